"""People with a browser, in both languages, on a desk and on a phone."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.media import appointing
from tests.e2e.scenes import Scenes, scenes_of
from tests.e2e.stack import Stack, running
from tests.installed import CHROMIUM

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PICTURES = os.environ.get("MYPICK_TEST_PICTURES", "")  # a folder for pictures of all pages, to be looked at
VARIANTS = [("en", 1280), ("ko", 390)]  # a desk, a phone
IN_BOTH = {"signs_up_follows_and_hears_the_bell", "finds_every_page_whole"}
# the other scenes take turns: what they show hangs neither on the language nor on the width
PLAYED = [
    (file, scene, *variant)
    for file in ("browser.mjs", "chat.mjs", "posts.mjs", "manage.mjs", "places.mjs")
    for number, scene in enumerate(scenes_of(file))
    for variant in (VARIANTS if scene in IN_BOTH else [VARIANTS[number % 2]])
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser_stack(
    official_client: None, sqlite_in: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    folder = tmp_path_factory.mktemp("browser")
    async with running(folder, sqlite_in(folder), development=False) as stack:
        yield stack


@pytest.mark.parametrize(("file", "scene", "language", "width"), PLAYED)
async def test_a_person(
    file: str,
    scene: str,
    language: str,
    width: int,
    browser_stack: Stack,
    scenes: Scenes,
) -> None:
    given: dict[str, Any] = {"language": language, "width": width, "chromium": CHROMIUM, "pictures": PICTURES}
    await scenes.play(file, scene, browser_stack, also={"appoint": appointing(browser_stack)}, **given)
