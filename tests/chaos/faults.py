"""What befalls a round: each fault of the plan, done to real processes and connections."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import TypeVar

from tests.chaos.client import Follower
from tests.chaos.ground import Ground, supervises
from tests.chaos.logs import Tail
from tests.chaos.plan import Fault, Shape
from tests.chaos.proxy import FAIR, Proxy, Weather
from tests.e2e.stack import Process, Stack
from tests.workers.crowd import workers

T = TypeVar("T")

BEGINS = 5.0  # seconds that a kill waits for a fan-out to begin; then it falls where it falls
STARTS = 20  # tries to start a process, as an orchestrator does; each waits for the database
START_AGAIN = 0.5  # seconds between them
SLOW = {
    "network": Weather(latency=0.1, jitter=0.3, rate=20_000),
    "bus": Weather(latency=0.05, jitter=0.1),  # a round trip is given up after 0.25 s
    "database": Weather(latency=0.005, jitter=0.02),  # a commit of a chunk has some ten round trips
}

INTERRUPTED = "SELECT count(*) FROM job WHERE kind = 'notifications.fan-out' AND state = 'due' AND lease IS NOT NULL"


class Faults:
    """``done`` counts by target, ``in_fan_out`` the kills after which one stood half done."""

    def __init__(
        self,
        shape: Shape,
        seed: int,
        ground: Ground,
        stack: Stack,
        clients: Sequence[Follower],
        count: Callable[[str], Awaitable[int]],
    ) -> None:
        self.done: Counter[str] = Counter()
        self.in_fan_out = 0
        self._shape = shape
        self._rng = Random(f"{seed}: faults")
        self._ground = ground
        self._stack = stack
        self._clients = clients
        self._count = count

    async def befall(self, fault: Fault) -> None:
        if fault.moment == "in a fan-out":
            tail = Tail(self._worker.log)
            if await tail.wait_for("new content", BEGINS):
                await tail.wait_for("told", 0.5, fault.chunks) if fault.chunks else None
                await asyncio.sleep(fault.later)
        self.done[fault.target] += 1
        match fault.target:
            case "server" | "worker" | "both":
                await self._killed(fault)
            case "restart":
                os.kill(self._stack.server.pid, signal.SIGHUP)
            case "redis" | "postgres":
                await self._server_away(fault)
            case "redis paused" | "postgres paused":
                await self._server_paused(fault)
            case "connections":
                for client in self._rng.sample(self._clients, round(len(self._clients) * fault.share)):
                    client.drop()
            case "network":
                await self._network_fails(fault, self._of(self._ground.fronts, fault))
            case "bus" | "database":
                with self._ground.outage():
                    await self._network_fails(fault, self._ground.links[fault.target])

    @property
    def _worker(self) -> Process:
        """Who does the jobs: in the embedded form the server."""
        return self._stack.worker or self._stack.server

    async def _killed(self, fault: Fault) -> None:
        killed: list[Process] = []
        if fault.target != "worker":
            server = self._of(self._stack.servers, fault)
            if supervises(self._shape, self._stack, server):
                self._kill_one_below(fault)
            else:
                killed.append(server)
        if fault.target != "server" and self._worker not in killed:
            killed.append(self._worker)
        for process in killed:
            process.kill()
        if self._worker in killed and await self._count(INTERRUPTED):
            self.in_fan_out += 1
        await asyncio.sleep(fault.down)
        await asyncio.gather(*(self._start(process) for process in killed))

    def _kill_one_below(self, fault: Fault) -> None:
        """Its supervisor starts it again."""
        if below := workers(self._stack):
            self._of([below[number] for number in sorted(below)], fault).kill()

    def _of(self, those: Sequence[T], fault: Fault) -> T:
        return those[int(fault.place * len(those))]

    async def _start(self, process: Process) -> None:
        """As an orchestrator does: again and again."""
        for attempt in range(1, STARTS + 1):
            try:
                await process.start()
            except AssertionError:
                if attempt == STARTS:
                    raise
                await asyncio.sleep(START_AGAIN)
            else:
                return

    async def _server_away(self, fault: Fault) -> None:
        server = self._ground.redis if fault.target == "redis" else self._ground.postgres
        assert server is not None
        with self._ground.outage():
            await asyncio.to_thread(server.kill)
            await asyncio.sleep(fault.down)
            await asyncio.to_thread(server.start)

    async def _server_paused(self, fault: Fault) -> None:
        server = self._ground.redis if fault.target == "redis paused" else self._ground.postgres
        assert server is not None
        with self._ground.outage():
            server.pause()
            await asyncio.sleep(fault.down)
            server.resume()

    async def _network_fails(self, fault: Fault, proxy: Proxy) -> None:
        wires = proxy.some(fault.share)
        match fault.kind:
            case "slow":
                proxy.weather = SLOW[fault.target]
                await asyncio.sleep(fault.down)
                proxy.weather = FAIR
            case "hung":
                proxy.hang(wires)
                await asyncio.sleep(fault.down)
                proxy.flow()
            case "cut with RST" | "cut with FIN":
                proxy.cut(wires, reset=fault.kind == "cut with RST")
            case "half-open":
                proxy.forget(wires, "client")
