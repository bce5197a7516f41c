from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mypick.clock import SystemClock
from mypick.operations import health
from mypick.operations.checks import (
    backlog_check,
    memory_check,
    memory_limit,
    ping_check,
    resident_memory,
    switched_off,
)
from mypick.operations.health import CACHE_TIME, Check, Finding, Health, Phase, State
from tests.fakes import FakeClock


def says(state: State) -> Check:
    async def check() -> Finding:
        return Finding(state)

    return check


def serving(clock: FakeClock | SystemClock, **checks: Check) -> Health:
    found = Health(clock, {"database": says("up"), **checks})
    found.phase = Phase.SERVING
    return found


async def test_everything_up_is_up_and_ready(clock: FakeClock) -> None:
    report = await serving(clock, redis=says("off")).report()
    assert (report.status, report.ready) == ("up", True)


@pytest.mark.parametrize("state", ["down", "degraded"])
async def test_without_redis_the_server_is_degraded_and_ready(clock: FakeClock, state: State) -> None:
    report = await serving(clock, redis=says(state)).report()
    assert (report.status, report.ready) == ("degraded", True)


async def test_without_its_database_the_server_is_down(clock: FakeClock) -> None:
    report = await serving(clock, database=says("down")).report()
    assert (report.status, report.ready) == ("down", False)


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.DRAINING])
async def test_who_starts_or_drains_is_not_ready(clock: FakeClock, phase: Phase) -> None:
    checked = serving(clock)
    checked.phase = phase
    report = await checked.report()
    assert (report.ready, report.phase) == (False, phase.value)


async def test_what_a_check_raises_is_down_and_tells_no_secret(clock: FakeClock) -> None:
    class Far:
        async def ping(self) -> None:
            raise ConnectionRefusedError("postgres://user:hunter2@db.internal")

    report = await serving(clock, redis=ping_check(Far())).report()
    assert report.parts["redis"].state == "down"
    assert report.parts["redis"].detail == "ConnectionRefusedError"


async def test_a_part_that_hangs_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CHECK_TIMEOUT", 0.02)
    never = asyncio.Event()

    async def hang() -> Finding:
        await never.wait()
        return Finding("up")

    report = await asyncio.wait_for(serving(SystemClock(), platform=hang, queue=hang).report(), 2)
    assert report.parts["platform"].state == report.parts["queue"].state == "down"
    assert report.parts["database"].state == "up"
    assert report.parts["platform"].latency_ms >= 20


async def test_many_who_ask_at_once_cost_one_look(clock: FakeClock) -> None:
    looks = 0

    async def count() -> Finding:
        nonlocal looks
        looks += 1
        return Finding("up")

    checked = serving(clock, redis=count)
    await asyncio.gather(*(checked.report() for _ in range(20)))
    assert looks == 1
    clock.advance(CACHE_TIME)
    await checked.report()
    assert looks == 2


def test_a_vital_part_needs_a_check(clock: FakeClock) -> None:
    with pytest.raises(ValueError, match="database"):
        Health(clock, {})


async def test_parts_that_are_left_out_are_off() -> None:
    assert await switched_off("REDIS_URL is empty")() == Finding("off", "REDIS_URL is empty")


@pytest.mark.parametrize(("due", "state"), [(10, "up"), (11, "degraded")])
async def test_a_long_queue_is_degraded(due: int, state: str) -> None:
    async def count() -> int:
        return due

    assert (await backlog_check(count, degraded_above=10)()).state == state


@pytest.mark.parametrize(
    ("used", "limit", "state"), [(89, 100, "up"), (91, 100, "degraded"), (5, None, "up"), (None, 9, "off")]
)
async def test_memory_near_its_limit_is_degraded(used: int | None, limit: int | None, state: str) -> None:
    assert (await memory_check(used=lambda: used, limit=lambda: limit)()).state == state


def test_memory_is_read_from_the_kernel(tmp_path: Path) -> None:
    cgroup, meminfo, missing = tmp_path / "max", tmp_path / "meminfo", tmp_path / "missing"
    cgroup.write_text("1048576\n")
    meminfo.write_text("MemTotal:  2048 kB\nMemFree: 1 kB\n")
    assert memory_limit(cgroup, meminfo) == 1_048_576
    cgroup.write_text("max\n")
    assert memory_limit(cgroup, meminfo) == 2_097_152
    assert memory_limit(missing, missing) is None
    assert resident_memory(missing) is None
