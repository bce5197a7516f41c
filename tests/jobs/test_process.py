"""The jobs of a process: named, restarted, closed in order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from mypick.clock import SystemClock
from mypick.jobs.backoff import BackOff
from mypick.jobs.process import ProcessJobs
from tests.jobs.conftest import eventually

QUICK = BackOff(0.001, 0.002)


def make(close_timeout_s: float = 5, max_crashes: int = 100, back_off: BackOff = QUICK) -> ProcessJobs:
    return ProcessJobs(
        SystemClock(),
        rng=random.Random(7),
        back_off=back_off,
        close_timeout_s=close_timeout_s,
        max_crashes=max_crashes,
    )


async def forever() -> None:
    await asyncio.Event().wait()


async def test_what_runs_is_named_and_closed_in_reverse_order() -> None:
    process, closed, started = make(), list[str](), asyncio.Event()

    def note(name: str) -> Callable[[], Coroutine[Any, Any, None]]:
        async def run() -> None:
            try:
                if name == "third":
                    started.set()
                await forever()
            finally:
                closed.append(name)

        return run

    for name in ("first", "second", "third"):
        await process.spawn(name, note(name))
    await eventually(started)
    assert process.names == ["first", "second", "third"]
    assert {status.state for status in process.status()} == {"running"}
    await process.close()
    assert closed == ["third", "second", "first"]
    assert process.names == []
    with pytest.raises(RuntimeError, match="closing"):
        await process.spawn("late", forever)


async def test_a_crash_is_counted_and_the_job_restarted() -> None:
    process, runs, third = make(), 0, asyncio.Event()

    async def crash_twice() -> None:
        nonlocal runs
        runs += 1
        if runs < 3:
            raise ConnectionError("redis://:secret@host")
        third.set()
        await forever()

    await process.spawn("reader", crash_twice)
    await eventually(third)
    (status,) = process.status()
    assert (status.name, status.state, status.crashes, status.last_error) == ("reader", "running", 2, "ConnectionError")
    assert process.healthy
    await process.close()


async def test_a_job_that_always_crashes_is_given_up_and_seen() -> None:
    process, runs, last = make(max_crashes=4), 0, asyncio.Event()

    async def crash() -> None:
        nonlocal runs
        runs += 1
        if runs == 4:
            last.set()
        raise ValueError

    await process.spawn("reader", crash)
    await eventually(last)
    await asyncio.sleep(0)
    assert (process.healthy, runs, process.status()[0].state) == (False, 4, "failed")
    await process.close()


async def test_without_restart_the_first_crash_is_the_end_of_it() -> None:
    process, crashed = make(), asyncio.Event()

    async def crash() -> None:
        crashed.set()
        raise ValueError

    await process.spawn("once", crash, restart=False)
    await eventually(crashed)
    assert (process.status()[0].state, process.status()[0].crashes) == ("failed", 1)
    await process.close()


async def test_a_job_that_ends_is_forgotten_and_its_name_is_free() -> None:
    process, ended = make(), asyncio.Event()

    async def end() -> None:
        ended.set()

    await process.spawn("once", end)
    with pytest.raises(ValueError, match="runs already"):
        await process.spawn("once", end)
    await eventually(ended)
    assert process.names == []
    await process.spawn("once", forever)
    await process.close()


async def test_closing_ends_in_time_although_a_job_does_not() -> None:
    process, started, release, before = make(close_timeout_s=0.4), asyncio.Event(), asyncio.Event(), list[str]()

    async def first() -> None:
        try:
            await forever()
        finally:
            before.append("first")

    async def stubborn() -> None:
        started.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    await process.spawn("first", first)
    await process.spawn("stubborn", stubborn)
    await eventually(started)
    closing = asyncio.create_task(process.close())
    asyncio.get_running_loop().call_later(1.0, release.set)
    await asyncio.wait_for(closing, 3)
    assert before == ["first"]


async def test_there_is_a_bound_to_what_one_process_runs() -> None:
    process = make()
    for number in range(ProcessJobs.MAX_JOBS):
        await process.spawn(f"job {number}", forever)
    with pytest.raises(RuntimeError, match="64 jobs"):
        await process.spawn("one more", forever)
    await process.close()
