"""Long work of the loop, cut so that nobody waits for its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

T = TypeVar("T")


async def slices(items: Sequence[T], size: int) -> AsyncIterator[Sequence[T]]:
    """``items`` in parts of at most ``size``; between two of them the loop has a turn for everybody else. One part
    should keep it for 5 ms at most, so that on a machine four times slower nobody is held for more than 20."""
    for start in range(0, len(items), size):
        if start:
            await asyncio.sleep(0)
        yield items[start : start + size]
