"""The supervisor, over small processes that do what a bad worker does."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from config.supervisor import Pace, Supervisor

LISTENS = 'import sys; print(\'{"event":"listening"}\', flush=True)'
GOOD = f"{LISTENS}; sys.stdin.read()"
FAILS = "raise SystemExit(2)"
SILENT = "import sys; sys.stdin.read()"
SHORT = f"{LISTENS}; raise SystemExit(3)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {LISTENS}; sys.stdin.read()"

QUICK = Pace(start=20.0, drain=20.0, first_wait=0.01, longest_wait=0.05)
WITHIN = 30.0  # seconds


async def always(_: int, __: int) -> bool:
    return True


class Yard:
    """Two workers; ``programs`` says what the next process of a number does, and what all after it do."""

    def __init__(self, *programs: str, pace: Pace = QUICK, answers: Callable[[int, int], Awaitable[bool]] = always):
        self.programs = {number: list(programs) for number in (1, 2)}
        self.started: list[int] = []
        self.ended: list[tuple[int, int]] = []
        self.opened = 0
        self._changed = asyncio.Event()
        self.supervisor = Supervisor(2, self._command, on_open=self._open, on_end=self._end, answers=answers, pace=pace)

    def _command(self, number: int) -> list[str]:
        self.started.append(number)
        self._changed.set()
        left = self.programs[number]
        return [sys.executable, "-S", "-E", "-c", left.pop(0) if len(left) > 1 else left[0]]

    def _open(self) -> None:
        self.opened += 1
        self._changed.set()

    def _end(self, number: int, pid: int) -> None:
        self.ended.append((number, pid))
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def running(yard: Yard) -> AsyncIterator[asyncio.Task[bool]]:
    task = asyncio.create_task(yard.supervisor.run())
    try:
        yield task
    finally:
        yard.supervisor.stop()
        await asyncio.wait_for(task, WITHIN)
        assert len(yard.ended) == len(yard.started), "processes are left"


def test_waits_grow_to_their_bound() -> None:
    pace = Pace()
    assert [pace.wait(deaths) for deaths in range(1, 6)] == [0.0, 0.5, 1.0, 2.0, 4.0]
    assert pace.wait(9) == pace.wait(10**6) == pace.longest_wait


async def test_it_opens_once_and_ends_well() -> None:
    async with running(yard := Yard(GOOD)) as run:
        await yard.until(lambda: yard.opened == 1)
        assert sorted(yard.started) == [1, 2]
        yard.supervisor.stop()
        assert await asyncio.wait_for(run, WITHIN)
    assert yard.opened == 1


async def test_a_worker_that_chatters_before_it_listens_is_waited_for() -> None:
    chatters = f"print('a warning'); print('x' * 200_000); print('[]'); {GOOD}"
    async with running(yard := Yard(chatters)):
        await yard.until(lambda: yard.opened == 1)
        assert sorted(yard.started) == [1, 2]


async def test_a_worker_that_only_chatters_is_killed_in_time() -> None:
    chatters = "import sys; print('a warning', flush=True); sys.stdin.read()"
    async with running(yard := Yard(chatters, GOOD, pace=Pace(start=0.5, drain=20.0, first_wait=0.01))):
        await yard.until(lambda: yard.opened == 1)
        assert len(yard.ended) >= 2


async def test_a_rolling_restart_that_the_end_comes_upon_is_no_failure() -> None:
    with structlog.testing.capture_logs() as lines:
        async with running(yard := Yard(GOOD, SILENT)) as run:
            await yard.until(lambda: yard.opened == 1)
            yard.supervisor.restart()
            await yard.until(lambda: yard.started.count(1) == 2)
            yard.supervisor.stop()
            assert await asyncio.wait_for(run, WITHIN)
    assert [line for line in lines if line["log_level"] == "error"] == []


async def test_where_none_can_start_it_gives_up_after_a_bounded_number() -> None:
    async with running(yard := Yard(FAILS)) as run:
        assert not await asyncio.wait_for(run, WITHIN)
    assert yard.opened == 0
    assert QUICK.attempts <= yard.started.count(1) <= 2 * QUICK.attempts
    assert QUICK.attempts <= yard.started.count(2) <= 2 * QUICK.attempts


async def test_who_dies_again_and_again_is_started_again_and_again() -> None:
    async with running(yard := Yard(SHORT, SHORT, SHORT, GOOD)):
        await yard.until(lambda: yard.started.count(1) == yard.started.count(2) == 4)
        assert len(yard.ended) == 6


async def test_one_that_cannot_start_keeps_nobody_waiting() -> None:
    yard = Yard(GOOD)
    yard.programs[2] = [FAILS]
    async with running(yard) as run:
        await yard.until(lambda: yard.opened == 1 and yard.started.count(2) > 2 * QUICK.attempts)
        assert yard.started.count(1) == 1
        assert not run.done()
        yard.programs[2] = [GOOD]
        starts = yard.started.count(2)
        await yard.until(lambda: yard.started.count(2) > starts)


async def test_who_does_not_come_to_listen_is_killed_and_started_again() -> None:
    async with running(yard := Yard(SILENT, GOOD, pace=Pace(start=0.3, first_wait=0.01))):
        await yard.until(lambda: yard.opened == 1)
        assert len(yard.ended) == 2


async def test_who_hangs_is_killed_and_started_again() -> None:
    first: list[int] = []

    async def answers(_: int, pid: int) -> bool:
        if not first:
            first.append(pid)
        return pid not in first

    async with running(yard := Yard(GOOD, pace=Pace(look=0.02, first_wait=0.01), answers=answers)):
        await yard.until(lambda: len(yard.started) == 3)
        assert [pid for _, pid in yard.ended] == first


async def test_who_does_not_end_is_killed_and_told() -> None:
    async with running(yard := Yard(STUBBORN, pace=Pace(drain=0.2))) as run:
        await yard.until(lambda: yard.opened == 1)
        yard.supervisor.stop()
        assert not await asyncio.wait_for(run, WITHIN)


async def test_a_stop_during_the_start_ends_all() -> None:
    async with running(yard := Yard(SILENT)) as run:
        await yard.until(lambda: len(yard.started) == 2)
        yard.supervisor.stop()
        assert await asyncio.wait_for(run, WITHIN)


async def test_a_rolling_restart_replaces_one_after_the_other() -> None:
    async with running(yard := Yard(GOOD)):
        await yard.until(lambda: yard.opened == 1)
        yard.supervisor.restart()
        await yard.until(lambda: len(yard.ended) == 2)
        assert yard.started[2:] == [1, 2]
        assert [number for number, _ in yard.ended] == [1, 2]
        yard.supervisor.restart()
        await yard.until(lambda: len(yard.ended) == 4)


async def test_what_cannot_start_replaces_nobody() -> None:
    async with running(yard := Yard(GOOD, FAILS, GOOD)) as run:
        await yard.until(lambda: yard.opened == 1)
        yard.supervisor.restart()
        await yard.until(lambda: len(yard.ended) == 1)  # the new one
        assert yard.started[2:] == [1]
        assert not run.done()
        yard.supervisor.restart()  # with what is right by now
        yard.programs = {1: [GOOD], 2: [GOOD]}
        await yard.until(lambda: len(yard.ended) == 3)
        assert yard.started[2:] == [1, 1, 2]
