"""Watch parties in real windows: the same frame for everybody, and a page that says what happens."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.media import Media, appointing, party_stack
from tests.e2e.scenes import Scenes, scenes_of
from tests.e2e.stack import Stack
from tests.installed import CHROMIUM

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PICTURES = os.environ.get("MYPICK_TEST_PICTURES", "")  # a folder for pictures of all states, to be looked at
VARIANTS = [("en", 1280), ("ko", 390)]  # a desk, a phone


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def party(
    official_client: None, sqlite_in: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Stack, Media]]:
    folder = tmp_path_factory.mktemp("party")
    async with party_stack(folder, sqlite_in(folder)) as made:
        yield made


@pytest.mark.parametrize(
    ("file", "scene", "language", "width"),
    [
        (file, scene, *variant)
        for file in ("party.mjs", "parties.mjs")
        for number, scene in enumerate(scenes_of(file))
        for variant in (VARIANTS if scene == "sees_every_state_whole" else [VARIANTS[number % 2]])
    ],
)
async def test_a_guest(
    file: str, scene: str, language: str, width: int, party: tuple[Stack, Media], scenes: Scenes
) -> None:
    stack, media = party
    given: dict[str, Any] = {"language": language, "width": width, "chromium": CHROMIUM, "pictures": PICTURES}
    given["media"] = media.told
    await scenes.play(file, scene, stack, also={"appoint": appointing(stack)}, **given)
