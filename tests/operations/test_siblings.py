"""Processes that share a port, as each sees the others: here in one process, which meets itself in a folder."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from mypick.metrics import Metrics
from mypick.operations.siblings import Place, Siblings, answers, bury

PID = os.getpid()
COMMITS = 'mypick_stream_commits_total{result="ok"} '


class Sibling:
    def __init__(self, folder: Path, number: int) -> None:
        self.metrics = Metrics.on(CollectorRegistry())
        self.serves = True
        self.siblings = Siblings(Place(number, 2, folder), self.metrics.registry, lambda: self.serves)

    async def told(self) -> list[str]:
        return generate_latest(await self.siblings.metrics()).decode().splitlines()


@asynccontextmanager
async def here(folder: Path, number: int) -> AsyncIterator[Sibling]:
    sibling = Sibling(folder, number)
    await sibling.siblings.start()
    try:
        yield sibling
    finally:
        await sibling.siblings.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="mypick-") as path:  # short, as a socket's path must be
        yield Path(path)


async def test_counts_are_added_and_gauges_stay_apart(folder: Path) -> None:
    async with here(folder, 1) as one, here(folder, 2) as two:
        for sibling, amount in ((one, 3), (two, 4)):
            sibling.metrics.stream_commits.labels("ok").inc(amount)
            sibling.metrics.commands.labels("sync", "ok").inc(amount)
            sibling.metrics.command_seconds.labels("sync").observe(0.02 * amount)
            sibling.metrics.users_online.set(amount)
        two.metrics.commands.labels("clock", "ok").inc()
        for told in (await one.told(), await two.told()):
            assert COMMITS + "7.0" in told
            assert 'mypick_commands_total{command="sync",result="ok"} 7.0' in told
            assert 'mypick_commands_total{command="clock",result="ok"} 1.0' in told
            assert 'mypick_command_seconds_count{command="sync"} 2.0' in told
            assert 'mypick_command_seconds_bucket{command="sync",le="0.05"} 0.0' in told
            assert 'mypick_command_seconds_bucket{command="sync",le="0.1"} 2.0' in told
            assert 'mypick_users_online{worker="1"} 3.0' in told
            assert 'mypick_users_online{worker="2"} 4.0' in told
            assert not any("_created" in line for line in told)
            assert len(told) == len(set(told))


async def test_what_was_counted_outlives_who_counted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with here(folder, 1) as one:
        for number in range(3):
            pid = PID + 1 + number
            with monkeypatch.context() as patched:
                patched.setattr(os, "getpid", lambda pid=pid: pid)
                two = Sibling(folder, 2)
            await two.siblings.start()
            two.metrics.stream_commits.labels("ok").inc(5)
            two.metrics.users_online.set(9)
            assert f"{COMMITS}{6.0 * number + 5}" in await one.told()
            two.metrics.stream_commits.labels("ok").inc()  # nobody asks any more: it is told at the end
            await two.siblings.close()
            for _ in range(2):  # before it is buried and after
                told = await one.told()
                assert f"{COMMITS}{6.0 * (number + 1)}" in told
                assert 'mypick_worker_up{worker="2"} 0.0' in told
                assert not any(line.startswith('mypick_users_online{worker="2"}') for line in told)
                bury(folder, 2, pid)
            assert not list(folder.glob("2-*"))


async def test_of_two_with_one_number_the_later_tells_the_gauges(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old one drains while the new one takes clients."""
    async with here(folder, 1) as old:
        old.metrics.users_online.set(3)
        old.metrics.stream_commits.labels("ok").inc(3)
        monkeypatch.setattr(os, "getpid", lambda: PID + 1)
        async with here(folder, 1) as new:
            new.metrics.users_online.set(1)
            new.metrics.stream_commits.labels("ok").inc()
            for told in (await old.told(), await new.told()):
                assert 'mypick_users_online{worker="1"} 1.0' in told
                assert COMMITS + "4.0" in told
                assert len(told) == len(set(told))


async def test_one_that_hangs_is_not_waited_for(folder: Path) -> None:
    hung = socket.socket(socket.AF_UNIX)  # the system takes connections for it, and it looks at none
    hung.bind(str(folder / "2-1.sock"))
    hung.listen()
    async with here(folder, 1) as one, asyncio.timeout(5):
        assert 'mypick_worker_up{worker="2"} 0.0' in await one.told()
        assert (await one.siblings.check()).detail == "worker 1 of 2; 1 alive"
        assert not await answers(folder, 2, 1)
        assert await answers(folder, 1, PID)
    hung.close()


async def test_all_that_serve_are_alive(folder: Path) -> None:
    async with here(folder, 1) as one, here(folder, 2) as two:
        assert await one.siblings.check() == await one.siblings.check()
        assert (await one.siblings.check()).state == "up"
        two.serves = False
        finding = await one.siblings.check()
        assert (finding.state, finding.detail) == ("degraded", "worker 1 of 2; 1 alive")
        assert (await two.siblings.check()).detail == "worker 2 of 2; 1 alive"
