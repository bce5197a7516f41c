"""The client library under Node.js against a whole MyPick, on both ways to run it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.scenes import Scenes, scenes_of
from tests.e2e.stack import Stack, running

pytestmark = [pytest.mark.node, pytest.mark.asyncio(loop_scope="module")]

LIFE = 3  # seconds of an access token in the scenes that outlive some of them
OUTLIVING = ["short_tokens_are_renewed_and_nothing_is_lost", "tabs_that_renew_at_once_keep_the_session"]


@pytest.mark.parametrize("scene", [scene for scene in scenes_of("library.mjs") if scene not in OUTLIVING])
async def test_the_library(scene: str, shared_stack: Stack, scenes: Scenes) -> None:
    await scenes.play("library.mjs", scene, shared_stack)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hasty_stack(
    sqlite_in: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    folder = tmp_path_factory.mktemp("hasty")
    async with running(folder, sqlite_in(folder), development=False, JWT_EXPIRES_IN=str(LIFE)) as stack:
        yield stack


@pytest.mark.parametrize("scene", OUTLIVING)
async def test_the_library_outlives_its_tokens(scene: str, hasty_stack: Stack, scenes: Scenes) -> None:
    await scenes.play("library.mjs", scene, hasty_stack, life=LIFE)
