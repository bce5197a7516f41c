"""A server of video files beside the stack: one of its ``MEDIA_ORIGINS``."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from tests.e2e.stack import Stack, running


@dataclass(frozen=True, slots=True)
class Media:
    """What scenes write into ``folder`` is served at ``origin``."""

    folder: Path
    origin: str

    @property
    def told(self) -> dict[str, str]:
        """As scenes hear of it."""
        return {"folder": str(self.folder), "origin": self.origin}


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Media]:
    app = web.Application()
    app.router.add_static("/", folder)  # answers ranges, by which players go anywhere
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield Media(folder, f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()


@asynccontextmanager
async def party_stack(folder: Path, database_url: str) -> AsyncIterator[tuple[Stack, Media]]:
    """A stack on this SQLite whose parties may play what lies at the media server."""
    shelf = folder / "media"
    shelf.mkdir()
    async with (
        serving(shelf) as media,
        running(
            folder,
            database_url,
            development=False,
            beside=(),
            MEDIA_ORIGINS=media.origin,
        ) as stack,
    ):
        yield stack, media


def appointing(stack: Stack) -> Callable[[int, int, int], None]:
    """Gives a member of a community a rank; nobody could be the first owner else."""

    def give(community_id: int, user_id: int, rank: int) -> None:
        with sqlite3.connect(stack.server.log.parent / "mypick.sqlite3", timeout=10) as connection:
            changed = connection.execute(
                "UPDATE membership SET rank = ? WHERE community_id = ? AND user_id = ?", (rank, community_id, user_id)
            )
            assert changed.rowcount == 1
        connection.close()

    return give
