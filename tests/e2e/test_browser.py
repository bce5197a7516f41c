"""People with a browser, in both languages, on a desk and on a phone."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import pytest_asyncio

from handlers import pages
from tests.e2e.scenes import Scenes, scenes_of
from tests.e2e.stack import Stack, running
from tests.installed import CHROMIUM, CLIENT_FILE

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PICTURES = os.environ.get("MYPICK_TEST_PICTURES", "")  # a folder for pictures of all pages, to be looked at
VARIANTS = [("en", 1280), ("ko", 390)]  # a desk, a phone
IN_BOTH = {"signs_up_follows_and_hears_the_bell", "finds_every_page_whole"}
# the other scenes take turns: what they show hangs neither on the language nor on the width
PLAYED = [
    (file, scene, *variant)
    for file in ("browser.mjs", "chat.mjs")
    for number, scene in enumerate(scenes_of(file))
    for variant in (VARIANTS if scene in IN_BOTH else [VARIANTS[number % 2]])
]


@pytest.fixture(scope="module")
def official_client() -> Iterator[None]:
    """The official client where `make assets` puts it; without it the pages would ask the CDN."""
    target = pages.FOLDER / "static" / pages.CLIENT_FILE
    if target.exists():
        yield
        return
    made = not target.parent.exists()
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(CLIENT_FILE, target)
    yield
    target.unlink()
    if made:
        target.parent.rmdir()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser_stack(official_client: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    folder = tmp_path_factory.mktemp("browser")
    async with running(folder, f"sqlite://{folder / 'mypick.sqlite3'}", development=False) as stack:
        yield stack


@pytest.fixture(scope="module")
def appoint(browser_stack: Stack) -> Callable[[int, int, int], None]:
    """Gives a member of a community a rank; nobody could be the first owner else."""

    def give(community_id: int, user_id: int, rank: int) -> None:
        with sqlite3.connect(browser_stack.server.log.parent / "mypick.sqlite3", timeout=10) as connection:
            changed = connection.execute(
                "UPDATE membership SET rank = ? WHERE community_id = ? AND user_id = ?", (rank, community_id, user_id)
            )
            assert changed.rowcount == 1
        connection.close()

    return give


@pytest.mark.parametrize(("file", "scene", "language", "width"), PLAYED)
async def test_a_person(
    file: str,
    scene: str,
    language: str,
    width: int,
    browser_stack: Stack,
    scenes: Scenes,
    appoint: Callable[[int, int, int], None],
) -> None:
    given = {"language": language, "width": width, "chromium": CHROMIUM, "pictures": PICTURES}
    await scenes.play(file, scene, browser_stack, also={"appoint": appoint}, **given)
