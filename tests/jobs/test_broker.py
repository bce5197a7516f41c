"""Redis wakes; killed, emptied or silent it loses nothing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.connection import Connection
from structlog.testing import capture_logs
from taskiq import AckableMessage
from tortoise.expressions import F

from mypick import db
from mypick.clock import SystemClock
from mypick.db import Database
from mypick.ids import IdBlock
from mypick.jobs import broker as brokers
from mypick.jobs.backoff import BackOff
from mypick.jobs.broker import LaneBroker
from mypick.jobs.lanes import NORMAL
from mypick.jobs.models import Job
from mypick.jobs.process import ProcessJobs
from mypick.jobs.queue import Jobs
from mypick.jobs.work import Work
from tests.jobs.conftest import WAIT_S, Heard, MakeJobs, eventually, running
from tests.servers import RedisServer

STREAM = "mypick:jobs:normal"


async def nothing(work: Work) -> None:
    pass


@pytest.fixture
async def postgres_database(postgres_url: str) -> AsyncIterator[Database]:
    """Redis joins processes, so its tests run on the database that processes share."""
    async with db.open_database(postgres_url) as opened:
        yield opened


@pytest.fixture
async def asker(
    postgres_database: Database, make_jobs: MakeJobs, redis_url: str
) -> AsyncIterator[Jobs]:
    """A process that only asks and wakes."""
    clock = SystemClock()
    async with running(clock) as process:
        jobs = make_jobs(clock=clock, redis_url=redis_url, work=False)
        jobs.register("poll", nothing)
        await jobs.start(process)
        yield jobs
        await jobs.close()


@asynccontextmanager
async def worker(jobs: Jobs) -> AsyncIterator[ProcessJobs]:
    async with running(SystemClock()) as process:
        await jobs.start(process)
        yield process
        await jobs.close(grace_s=1)


@asynccontextmanager
async def client(redis_url: str) -> AsyncIterator[Redis]:
    redis = Redis.from_url(redis_url)
    try:
        yield redis
    finally:
        await redis.aclose()


async def test_a_wake_reaches_a_worker_in_another_process_and_is_acknowledged(
    asker: Jobs, make_jobs: MakeJobs, redis_url: str, heard: Heard
) -> None:
    jobs = make_jobs(clock=SystemClock(), redis_url=redis_url)
    jobs.register("poll", nothing)
    async with worker(jobs):
        for number in range(3):
            await asker.enqueue("poll", {"n": number})
            asker.wake("poll")
            await heard.until("done", number + 1)
    async with client(redis_url) as redis:
        pending: Any = await redis.xpending(STREAM, "workers")
        assert pending["pending"] == 0
        assert await redis.xlen(STREAM) == 0


async def test_work_is_shared_by_workers(
    asker: Jobs, make_jobs: MakeJobs, redis_url: str, heard: Heard
) -> None:
    """One wake; every place of both workers fills, because who finds more wakes another."""
    together, here = asyncio.Event(), 0

    async def handle(work: Work) -> None:
        nonlocal here
        here += 1
        if here == 2 * NORMAL.concurrency:
            together.set()
        await eventually(together)

    both = [make_jobs(clock=SystemClock(), redis_url=redis_url) for _ in range(2)]
    for jobs in both:
        jobs.register("poll", handle)
    async with worker(both[0]), worker(both[1]):
        async with db.transaction():
            for _ in range(2 * NORMAL.concurrency):
                await asker.enqueue("poll", {})
        asker.wake("poll")
        await heard.until("done", 2 * NORMAL.concurrency)


async def test_an_emptied_redis_wakes_again_without_the_sweep(
    asker: Jobs, make_jobs: MakeJobs, redis_url: str, redis_server: RedisServer, heard: Heard
) -> None:
    jobs = make_jobs(clock=SystemClock(), redis_url=redis_url)  # sweeps each hour
    jobs.register("poll", nothing)
    async with worker(jobs):
        for number in range(3):
            redis_server.flush()
            await asker.enqueue("poll", {})
            asker.wake("poll")
            await heard.until("done", number + 1)


async def test_redis_killed_and_restarted_wakes_again(
    asker: Jobs, make_jobs: MakeJobs, redis_url: str, redis_server: RedisServer, heard: Heard
) -> None:
    jobs = make_jobs(clock=SystemClock(), redis_url=redis_url)
    jobs.register("poll", nothing)
    asker.BROKER_REST_S = 0.0  # every wake tries Redis
    async with worker(jobs) as process:
        await asker.enqueue("poll", {})
        asker.wake("poll")
        await heard.until("done")
        redis_server.kill()
        with capture_logs() as logs:
            await asyncio.to_thread(redis_server.restart)
            await asker.enqueue("poll", {})
            async with asyncio.timeout(WAIT_S):
                while len(heard.ended) < 2:  # the first wakes may meet connections of before the kill
                    asker.wake("poll")
                    await asyncio.sleep(0.05)
        assert all(status.state == "running" and not status.crashes for status in process.status())
    assert not [entry for entry in logs if entry["log_level"] == "error"]


async def test_while_redis_is_away_nobody_waits_and_the_worker_does_its_work(
    asker: Jobs, make_jobs: MakeJobs, redis_url: str, redis_server: RedisServer, heard: Heard
) -> None:
    redis_server.kill()
    try:
        jobs = make_jobs(clock=SystemClock(), redis_url=redis_url, sweep_interval_s=0.2)
        jobs.register("poll", nothing)
        async with worker(jobs):
            await asker.enqueue("poll", {})
            began = asyncio.get_running_loop().time()
            for _ in range(1_000):
                asker.wake("poll")
                jobs.wake()
            assert asyncio.get_running_loop().time() - began < 1, "waking only notes what to wake"
            await heard.until("done")
    finally:
        redis_server.start()


async def test_a_redis_that_hangs_holds_nothing_up(
    asker: Jobs, make_jobs: MakeJobs, redis_url: str, redis_server: RedisServer, heard: Heard
) -> None:
    jobs = make_jobs(clock=SystemClock(), redis_url=redis_url)
    jobs.register("poll", nothing)
    async with worker(jobs):
        redis_server.pause()
        try:
            await jobs.enqueue("poll", {})
            jobs.wake()
            await heard.until("done")
        finally:
            redis_server.resume()


async def test_a_dead_redis_is_asked_with_patience(redis_url: str, redis_server: RedisServer) -> None:
    """No busy loop: in a second and a half the waits of 0.1, 0.2, 0.4 … s, each at least its half, allow five tries."""
    back_off = BackOff(0.1, 5.0)
    broker = LaneBroker(
        redis_url, STREAM, "me", rng=random.Random(7), finish=asyncio.Event(), back_off=back_off
    )
    redis_server.kill()
    try:
        with capture_logs() as logs:
            await broker.startup()
            async with aclosing(broker.listen()) as listening:
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(anext(listening), 1.5)
        tries = [entry["again_in_s"] for entry in logs if "cannot be read" in entry["event"]]
        assert 2 <= len(tries) <= 5
        assert tries == sorted(tries)
    finally:
        await broker.shutdown()
        redis_server.start()


async def test_a_message_of_a_dead_worker_is_taken_over_and_comes_to_nobody_after_its_acknowledgement(
    redis_url: str
) -> None:
    def make(consumer: str) -> LaneBroker:
        return LaneBroker(
            redis_url,
            STREAM,
            consumer,
            rng=random.Random(7),
            finish=asyncio.Event(),
            reclaim_idle_ms=100,
            reclaim_every_s=0.05,
        )

    async def take(broker: LaneBroker, timeout_s: float) -> AckableMessage:
        async with aclosing(broker.listen()) as listening, asyncio.timeout(timeout_s):
            return await anext(listening)

    dead, living, third = make("dead"), make("living"), make("third")
    dead.register_task(nothing, task_name=brokers.task_name(NORMAL))
    await dead.startup()
    await brokers.kick(dead, NORMAL)
    lost = await take(dead, WAIT_S)
    found = await take(living, WAIT_S)
    assert found.data == lost.data
    acknowledged = found.ack()
    assert acknowledged is not None
    await acknowledged
    with pytest.raises(TimeoutError):
        await take(third, 1.5)
    for broker in (dead, living, third):
        await broker.shutdown()


async def test_an_acknowledgement_over_a_connection_that_closes_is_no_failure(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def closed(*_: object, **__: object) -> None:
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")  # uvloop

    broker = LaneBroker(redis_url, STREAM, "me", rng=random.Random(7), finish=asyncio.Event())
    broker.register_task(nothing, task_name=brokers.task_name(NORMAL))
    await broker.startup()
    await brokers.kick(broker, NORMAL)
    async with aclosing(broker.listen()) as listening, asyncio.timeout(WAIT_S):
        message = await anext(listening)
    with monkeypatch.context() as patched:
        patched.setattr(Connection, "send_packed_command", closed)
        acknowledged = message.ack()
        assert acknowledged is not None
        await acknowledged
    await broker.shutdown()


async def test_receiving_ends_although_a_cancellation_was_swallowed(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """redis-py sends inside ``asyncio.wait_for``, which on Python 3.11 swallows a cancellation now and then."""
    finish, reading = asyncio.Event(), asyncio.Event()
    broker = LaneBroker(redis_url, STREAM, "me", rng=random.Random(7), finish=finish)

    async def read_and_swallow(redis: Redis) -> list[AckableMessage]:
        reading.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return []

    monkeypatch.setattr(broker, "_read", read_and_swallow)
    await broker.startup()
    receiving = asyncio.create_task(brokers.receive(broker, NORMAL, finish))
    await eventually(reading)
    finish.set()
    done, _ = await asyncio.wait({receiving}, timeout=WAIT_S)
    assert done == {receiving}
    await broker.shutdown()


async def test_the_stream_is_bounded_when_nobody_reads_it(redis_url: str) -> None:
    broker = LaneBroker(redis_url, STREAM, "me", rng=random.Random(7), finish=asyncio.Event())
    broker.register_task(nothing, task_name=brokers.task_name(NORMAL))
    await broker.startup()
    for _ in range(3):
        await asyncio.gather(*(brokers.kick(broker, NORMAL) for _ in range(500)))
    async with client(redis_url) as redis:
        # Redis trims whole blocks of 100 entries
        assert await redis.xlen(STREAM) <= brokers.STREAM_LENGTH + 100
    await broker.shutdown()


async def test_redis_killed_and_emptied_in_the_middle_loses_nothing_and_repeats_nothing(
    asker: Jobs, make_jobs: MakeJobs, redis_url: str, redis_server: RedisServer, heard: Heard
) -> None:
    async def count(work: Work) -> None:
        async with db.transaction():
            await IdBlock.filter(name=f"effect {work.args['n']}").update(next_id=F("next_id") + 1)
            await work.complete()

    total = 60
    await IdBlock.bulk_create([IdBlock(name=f"effect {n}", next_id=0) for n in range(total)])
    both = [make_jobs(clock=SystemClock(), redis_url=redis_url, sweep_interval_s=0.3) for _ in range(2)]
    for jobs in both:
        jobs.register("poll", count)
    async with worker(both[0]), worker(both[1]):
        for number in range(total):
            if number == 15:
                redis_server.flush()
            if number == 30:
                redis_server.kill()
            if number == 45:
                await asyncio.to_thread(redis_server.start)
            await asker.enqueue("poll", {"n": number})
            asker.wake("poll")
        await heard.until("done", total)
    effects = await IdBlock.filter(name__startswith="effect")
    assert [effect.next_id for effect in effects] == [1] * total
    assert await Job.filter(state="done", attempts=1).count() == total
