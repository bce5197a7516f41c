"""Ending a task for certain."""

from __future__ import annotations

import asyncio
from typing import Any

AGAIN_S = 0.5  # seconds between two tries; what a task has to tidy up takes less


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel ``tasks`` and return when all have ended, however they ended.

    One ``cancel()`` is not enough for a task that loops: ``asyncio.wait_for`` of Python 3.11 loses a cancellation that
    comes in the moment its work is done, and redis-py and asyncpg wait so. The task then goes on for ever, and whoever
    waits for its end with it.
    """
    ending = {task for task in tasks if not task.done()}
    while ending:
        for task in ending:
            task.cancel()
        _, ending = await asyncio.wait(ending, timeout=AGAIN_S)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # seen: it has been ended on purpose
