"""A task that is ended has ended, whatever it does with its cancellation."""

from __future__ import annotations

import asyncio

from mypick.endings import end


async def loops_and_loses_its_first_cancellation(begun: asyncio.Event) -> None:
    """What ``wait_for`` of Python 3.11 makes of a loop now and then."""
    begun.set()
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.Event().wait()


async def test_task_that_loses_a_cancellation_is_ended_all_the_same() -> None:
    begun = asyncio.Event()
    task = asyncio.create_task(loops_and_loses_its_first_cancellation(begun))
    await begun.wait()
    await asyncio.wait_for(end(task), 5)
    assert task.cancelled()


async def test_tasks_that_failed_or_ended_before_are_no_error() -> None:
    async def fails() -> None:
        raise OSError("away")

    async def returns() -> None:
        return None

    tasks = [asyncio.create_task(fails()), asyncio.create_task(returns())]
    await asyncio.wait(tasks)
    await end(*tasks)
    await end()
