"""Clients that we did not write, against a whole MyPick, on both ways to run it."""

from __future__ import annotations

import pytest

from tests.e2e.scenes import Scenes, scenes_of
from tests.e2e.stack import Stack

pytestmark = [pytest.mark.node, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize("scene", scenes_of("official.mjs"))
async def test_the_official_client(scene: str, shared_stack: Stack, scenes: Scenes) -> None:
    await scenes.play("official.mjs", scene, shared_stack)
