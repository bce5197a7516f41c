"""The emulator with its creators, ready for a demonstration."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from random import Random

from demo.content import Creator, populate
from demo.youtube import PlatformEmulator

PORT = 4010  # the same each time, so that links kept in a database lead somewhere


@contextlib.asynccontextmanager
async def emulating(*, pictures: bool = True) -> AsyncIterator[tuple[PlatformEmulator, dict[str, Creator]]]:
    """A running platform on loopback and its creators by channel id; without ``pictures`` for what outlives it."""
    emulator = PlatformEmulator(pictures=pictures)
    cast = populate(emulator, Random(emulator.seed))
    try:
        await emulator.start("127.0.0.1", PORT)
    except OSError:  # somebody has the port
        await emulator.start("127.0.0.1", 0)
    try:
        yield emulator, cast
    finally:
        await emulator.stop()
