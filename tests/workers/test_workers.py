"""Several server processes on one port: real ones, on PostgreSQL and Redis."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import psutil  # type: ignore[import-untyped]  # the package ships no types
import pytest
import socketio

from tests.chaos.logs import Tail
from tests.servers import RedisCluster
from tests.workers.crowd import Crowd, alive, crowd, health, metrics, workers

CONNECTIONS = 'mypick_socket_connections{namespace="/notifications",worker="%d"}'
CONNECTS = 'mypick_socket_connects_total{namespace="/notifications",result="ok"}'


async def answered(ask: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """Asked again where the system gives the connection to a worker that hangs."""
    while True:
        try:
            async with asyncio.timeout(1.5):
                return await ask()
        except TimeoutError:
            continue


@pytest.fixture
async def people(tmp_path: Path, postgres_url: str, redis_url: str) -> AsyncIterator[Crowd]:
    async with crowd(tmp_path, postgres_url, redis_url) as found:
        yield found


@pytest.mark.timeout(120)  # what it waits for comes within seconds
async def test_clients_land_on_both_and_either_tells_of_all(people: Crowd) -> None:
    seen = await metrics(people.stack, people.http)
    one, two = seen[CONNECTIONS % 1], seen[CONNECTIONS % 2]
    assert one > 0
    assert two > 0
    assert one + two == len(people.followers)
    assert seen[CONNECTS] == people.connects
    asked = 'mypick_http_requests_total{method="GET",route="/health/live",status="200"}'
    for _ in range(20):
        async with people.http.get(f"{people.stack.url}/health/live") as response:
            assert response.status == 200
    again = [await metrics(people.stack, people.http) for _ in range(10)]
    assert [told[asked] for told in again] == [20.0] * 10
    while [again[-1][f'mypick_worker_up{{worker="{number}"}}'] for number in (1, 2)] != [1, 1]:
        again.append(await metrics(people.stack, people.http))  # on a busy machine one may answer too late
    told = [line for line in people.stack.logs() if str(line["event"]).startswith("background jobs are done elsewhere")]
    assert len(told) == 1, "told by the supervisor, and by no worker"
    details = set[str]()
    while not details >= {"worker 1 of 2; 2 alive", "worker 2 of 2; 2 alive"}:
        details.add((await health(people.stack, people.http))["detail"])


async def test_a_killed_worker_is_replaced_and_its_clients_miss_nothing(people: Crowd) -> None:
    before, connects = workers(people.stack), people.connects
    counted = (await metrics(people.stack, people.http))[CONNECTS]
    held = (await metrics(people.stack, people.http))[CONNECTIONS % 1]
    people.post()
    before[1].kill()
    people.post()
    await people.all(lambda _: people.connects >= connects + held)
    people.post()
    await people.told_everything()
    await alive(people.stack, people.http, 2)
    after = workers(people.stack)
    assert after[1].pid != before[1].pid
    assert after[2].pid == before[2].pid
    told = await metrics(people.stack, people.http)
    assert told[CONNECTS] == counted + held, "what the killed one had counted is forgotten, or counted twice"
    assert told.get(CONNECTIONS % 1, 0) + told[CONNECTIONS % 2] == len(people.followers)


async def test_a_rolling_restart_under_load_loses_nothing(people: Crowd) -> None:
    before, tail = workers(people.stack), Tail(people.stack.server.log)
    done = asyncio.Event()

    async def posting() -> None:
        while not done.is_set():
            people.post()
            await asyncio.sleep(0.1)  # the pace of the load

    async def asking() -> None:
        while not done.is_set():
            async with people.http.get(f"{people.stack.url}/health/ready") as response:
                assert response.status in (200, 503)  # 503: this one drains

    load = [asyncio.create_task(posting()), asyncio.create_task(asking())]
    os.kill(people.stack.server.pid, signal.SIGHUP)
    assert await tail.wait_for("the rolling restart is done", 60)
    done.set()
    await asyncio.gather(*load)
    await people.told_everything()
    after = workers(people.stack)
    assert {process.pid for process in after.values()}.isdisjoint(process.pid for process in before.values())
    assert sorted(after) == [1, 2]
    assert all(follower.connects >= 2 for follower in people.followers)
    assert people.stack.server.log.read_text().count('"event":"sockets drained"') == 2
    assert (await metrics(people.stack, people.http))[CONNECTS] == people.connects


async def test_sigterm_drains_all_and_ends_with_0(people: Crowd) -> None:
    processes = list(workers(people.stack).values())
    status = await asyncio.to_thread(people.stack.server.stop, 40)
    assert status == 0
    assert not any(process.is_running() for process in processes)
    log = people.stack.server.log.read_text()
    assert log.count('"event":"sockets drained"') == 2
    assert "did not end in time" not in log
    assert people.stack.failures() == []


async def test_workers_end_with_a_supervisor_that_was_killed(people: Crowd) -> None:
    processes = list(workers(people.stack).values())
    people.stack.server.kill()
    _, left = await asyncio.to_thread(psutil.wait_procs, processes, 40)
    assert left == []
    assert people.stack.server.log.read_text().count('"event":"sockets drained"') == 2


async def test_a_worker_that_does_not_answer_is_named(people: Crowd) -> None:
    before = await metrics(people.stack, people.http)
    hung = workers(people.stack)[2]
    hung.suspend()
    try:
        told = await answered(lambda: metrics(people.stack, people.http))
        part = await answered(lambda: health(people.stack, people.http))
    finally:
        hung.resume()
    assert (told['mypick_worker_up{worker="1"}'], told['mypick_worker_up{worker="2"}']) == (1, 0)
    assert told[CONNECTS] == before[CONNECTS]
    assert CONNECTIONS % 2 not in told
    assert (part["state"], part["detail"]) == ("degraded", "worker 1 of 2; 1 alive")
    await alive(people.stack, people.http, 2)


async def test_polling_is_refused_with_what_to_do(people: Crowd) -> None:
    said = 'connect with transports: ["websocket"], or put nginx with stickiness in front'
    here = {"Origin": people.stack.url}
    async with people.http.get(f"{people.stack.url}/socket.io/?EIO=4&transport=polling", headers=here) as answer:
        assert answer.status == 400
        assert said in await answer.text()
        assert answer.headers["Access-Control-Allow-Origin"] == people.stack.url
    refused = [line for line in people.stack.logs() if line["event"] == "request refused"]
    assert said in refused[0]["why"], "of the official client, who writes one sees only: xhr poll error"
    elsewhere = {"Origin": "https://evil.example"}
    async with people.http.post(f"{people.stack.url}/socket.io/?EIO=4", headers=elsewhere) as answer:
        assert answer.status == 400
        assert "Access-Control-Allow-Origin" not in answer.headers
    async with aiohttp.ClientSession() as http:
        client = socketio.AsyncClient(http_session=http)
        with pytest.raises(socketio.exceptions.ConnectionError):
            await client.connect(people.stack.url, transports=["polling"], namespaces=["/notifications"])


async def test_a_cluster_carries_the_bus_between_workers(tmp_path: Path, postgres_url: str, redis_url: str) -> None:
    with RedisCluster() as cluster:
        sharded = {"REDIS_BUS": "sharded", "REDIS_BUS_URL": cluster.url}
        async with crowd(tmp_path, postgres_url, redis_url, **sharded) as people:
            seen = await metrics(people.stack, people.http)
            ups = [value for name, value in seen.items() if name.startswith("mypick_bus_up")]
            assert ups == [1.0, 1.0]
            workers(people.stack)[1].kill()
            people.post()
            await people.told_everything()
            assert (await metrics(people.stack, people.http))["mypick_bus_received_total"] > 0
