"""Patience: what takes too long is given up, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from mypick.patience import Patience

SHORT = 0.05


async def test_what_ends_in_time_ends_as_it_would_alone() -> None:
    patience = Patience(60.0)
    with patience.here():
        await asyncio.sleep(0)
    with pytest.raises(KeyError), patience.here():
        raise KeyError
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_each_is_given_up_when_its_own_time_is_over() -> None:
    patience = Patience(SHORT)
    waited = []

    async def wait_for_nothing(began_after: float) -> None:
        await asyncio.sleep(began_after)
        began = time.monotonic()
        with pytest.raises(TimeoutError) as over, patience.here():
            await asyncio.Event().wait()
        waited.append(time.monotonic() - began)
        assert isinstance(over.value.__cause__, asyncio.CancelledError)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(wait_for_nothing(number * SHORT / 8))
    # the loop's clock has whole milliseconds
    assert len(waited) == 20
    assert min(waited) >= SHORT - 0.002


async def test_it_works_again_after_nobody_was_in_there() -> None:
    patience = Patience(SHORT)
    for _ in range(3):
        with pytest.raises(TimeoutError), patience.here():
            await asyncio.Event().wait()


async def test_one_task_may_be_in_two() -> None:
    short, long = Patience(SHORT), Patience(60.0)
    with long.here():
        with pytest.raises(TimeoutError), short.here():
            await asyncio.Event().wait()
        await asyncio.sleep(0)
    with pytest.raises(TimeoutError), short.here(), long.here():
        await asyncio.Event().wait()


async def test_a_cancellation_from_elsewhere_stays_one() -> None:
    patience = Patience(60.0)
    inside = asyncio.Event()

    async def work() -> None:
        with patience.here():
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_is_cancelled_and_given_up_at_once_is_cancelled() -> None:
    patience = Patience(SHORT)
    inside = asyncio.Event()

    async def work() -> None:
        with patience.here():
            inside.set()
            try:
                await asyncio.Event().wait()
            finally:
                time.sleep(2 * SHORT)  # the loop is held: its time is over before it leaves
                await asyncio.sleep(0)

    task = asyncio.create_task(work())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_what_swallows_its_end_is_not_punished_later() -> None:
    patience = Patience(SHORT)
    with patience.here(), contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)
