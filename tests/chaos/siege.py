"""One server under those who mean harm, seen by those who do not: how late their acks come, and what stays behind."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import re
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import aiohttp
import orjson
import psutil  # type: ignore[import-untyped]  # the package ships no types

from tests.chaos.logs import unexpected
from tests.chaos.people import make_people
from tests.e2e.stack import ROOT, START, Stack, running

PEOPLE = 60
BESIDE = 10  # of them mean no harm
CALM = 4.0  # seconds of looking before all attacks
FLOOR = 0.001  # seconds: below it a machine's own noise tells
GROWTH = 16  # MiB after one attack: 50,000 broken frames, thrice, left 7.1, 2.3 and 1.1
BACK_WITHIN = 30.0  # seconds until what an attack took is given back
SETTINGS: Mapping[str, str] = {
    "RATE_LIMITS": orjson.dumps(
        dict.fromkeys(
            (f"socket.{name}" for name in ("handshake", "connect", "command", "clock", "sync", "refresh-auth")),
            "1000000/1s",
        )
    ).decode(),
    "SOCKET_PACKETS_PER_SECOND": "100000",
    "SOCKET_CONNECTIONS_PER_USER": "1000",
    "SOCKET_UNSENT_BYTES": str(64 * 1024),
    "HTTP_IDLE": "2",
    "SOCKET_ALONE": "2",
    "LOOP_LOOK_MS": "5",
}
"""Limits that would stop an attack at its begin are raised; bounds that must hold are lowered, so that they are met."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """Of the server's process. ``lags``: how often its loop ran a timer later than by so many seconds, since ever."""

    bytes: int
    descriptors: int
    tasks: int
    connections: int
    lags: Mapping[float, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Acks:
    """Those of the members beside an attack. Seconds: ``p99`` and ``worst`` until the kernel had the answer, and
    ``late``, the p99 of what passed from there until the process of these members looked."""

    count: int
    p99: float
    worst: float
    late: float


@dataclass(frozen=True, slots=True)
class Attack:
    """What one attack did. Seconds; ``calm`` before all attacks."""

    name: str
    figures: Mapping[str, int]
    calm: Acks
    acks: Acks
    before: Vitals
    after: Vitals
    seconds: float
    back_after: float  # from its end until all was given back
    held: float = 0.0  # the loop, at most

    @property
    def grown(self) -> float:
        """MiB that stay."""
        return (self.after.bytes - self.before.bytes) / 2**20

    @property
    def problems(self) -> list[str]:
        """What stayed behind, and whether others felt it: that is told by the machine too, and needs a calm one."""
        allowed = 2 * max(self.calm.p99, FLOOR)
        felt = [f"{self.name}: p99 {1000 * self.acks.p99:.1f} ms, allowed are {1000 * allowed:.1f}"]
        return [*self.left, *(felt if self.acks.p99 > allowed else [])]

    @property
    def load_was_slower(self) -> bool:
        """Who looked at the acks was later than the server, so that what one saw with one's own clock was the
        machine's doing: ``acks`` leaves that out."""
        return self.acks.late > self.acks.p99

    @property
    def left(self) -> list[str]:
        found = []
        if hung_up := self.figures.get("hung_up", 0):
            found.append(f"{hung_up} attackers were put out before they had done their worst")
        if self.grown > GROWTH:
            found.append(f"memory grew by {self.grown:.1f} MiB")
        if self.back_after > BACK_WITHIN:
            found.append(f"not given back after {BACK_WITHIN:.0f} s: {self.before} became {self.after}")
        return [f"{self.name}: {problem}" for problem in found]


async def vitals_of(process: psutil.Process, url: str, http: aiohttp.ClientSession) -> Vitals:
    """Of a server that stands alone, as the system and as it itself see it."""
    async with http.get(f"{url}/metrics") as response:
        text = await response.text()
    told: defaultdict[str, float] = defaultdict(float)  # of all labels together
    for name, value in re.findall(r"(?m)^(mypick_\w+)(?:\{.*\})? (\S+)$", text):
        told[name] += float(value)
    return Vitals(
        process.memory_info().rss,
        process.num_fds(),
        round(told["mypick_loop_tasks"]),
        round(told["mypick_socket_connections"]),
        {float(most): round(float(count)) for most, count in _LAGS.findall(text)},
    )


_LAGS = re.compile(r'(?m)^mypick_loop_lag_seconds_bucket\{le="([^"]+)"\} (\S+)$')


def held_between(before: Vitals, after: Vitals) -> float:
    """Seconds that the loop was held at most: of the histogram's bounds the first that no timer was later than."""
    total = after.lags[math.inf] - before.lags[math.inf]
    return min(most for most in after.lags if after.lags[most] - before.lags[most] == total)


def percentile(values: Sequence[float], share: float) -> float:
    """Of at least one value."""
    return sorted(values)[int(len(values) * share)]


class Cores:
    """Which of the machine's the server has for itself, and which is all others'. None where there is but one."""

    def __init__(self, *, own: bool) -> None:
        self.own = own
        cores = sorted(os.sched_getaffinity(0)) if own and hasattr(os, "sched_getaffinity") else []
        self.server: int | None = cores[0] if len(cores) > 1 else None
        self.others: int | None = cores[-1] if len(cores) > 1 else None

    def give(self, process: psutil.Process) -> None:
        """Every thread of the server to its core, and this process to that of all others."""
        if self.server is not None and self.others is not None:
            for thread in process.threads():
                os.sched_setaffinity(thread.id, {self.server})
            os.sched_setaffinity(0, {self.others})


class Siege:
    def __init__(self, stack: Stack, tokens: Sequence[str], http: aiohttp.ClientSession, cores: Cores) -> None:
        self.stack = stack
        self._tokens = tokens
        self._http = http
        self._cores = cores
        self._calm = Acks(0, 0.0, 0.0, 0.0)
        self._process = psutil.Process(stack.server.pid)
        self._bystanders: asyncio.subprocess.Process | None = None

    @contextlib.asynccontextmanager
    async def beside(self) -> AsyncIterator[None]:
        """``BESIDE`` members who ask for the clock all the time."""
        self._cores.give(self._process)
        given = {"port": self.stack.server.port, "tokens": self._tokens[:BESIDE], "core": self._cores.others}
        self._bystanders = process = await _started("bystanders", given)
        try:
            await self._line()
            yield
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def _line(self) -> bytes:
        assert self._bystanders is not None
        assert self._bystanders.stdout is not None
        line = await asyncio.wait_for(self._bystanders.stdout.readline(), START)
        if not line:
            raise RuntimeError("the bystanders have gone")
        return line

    async def _acks(self) -> Acks:
        """Since the last time that this was asked."""
        assert self._bystanders is not None
        assert self._bystanders.stdin is not None
        self._bystanders.stdin.write(b"\n")
        seen = orjson.loads(await self._line())
        waited = [*seen["served"], *seen["unanswered"]] or [0.0]
        late = percentile(seen["late"] or [0.0], 0.99)
        return Acks(len(seen["served"]), percentile(waited, 0.99) / 1000, max(waited) / 1000, late / 1000)

    async def look_at_calm(self, seconds: float) -> None:
        """The acks before anything happens."""
        await self._acks()
        await asyncio.sleep(seconds)
        self._calm = await self._acks()

    async def attacked(self, name: str, count: int, seed: int) -> Attack:
        before = await self.vitals()
        await self._acks()
        began = monotonic()
        figures = await self._attack(name, count, seed)
        seconds, acks = monotonic() - began, await self._acks()
        ended = monotonic()
        after = await self.vitals()
        held = held_between(before, after)
        while not is_back(before, after) and monotonic() - ended <= BACK_WITHIN:
            await asyncio.sleep(0.5)
            after = await self.vitals()
        return Attack(name, figures, self._calm, acks, before, after, seconds, monotonic() - ended, held)

    async def vitals(self) -> Vitals:
        return await vitals_of(self._process, self.stack.url, self._http)

    async def _attack(self, name: str, count: int, seed: int) -> Mapping[str, int]:
        given = {
            "attack": name,
            "port": self.stack.server.port,
            "tokens": self._tokens[BESIDE:],
            "seed": seed,
            "count": count,
            "core": self._cores.others,
            "behind": self._cores.own,
        }
        process = await _started("hostile", given)
        try:
            told, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise RuntimeError(f"the attack {name} failed")
        figures: dict[str, int] = orjson.loads(told)
        return figures


async def _started(module: str, given: Mapping[str, object]) -> asyncio.subprocess.Process:
    """A process of its own that runs ``module`` of these tests, told what it has to know."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"tests.chaos.{module}"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    assert process.stdin is not None
    process.stdin.write(orjson.dumps(given) + b"\n")
    return process


def is_back(before: Vitals, after: Vitals) -> bool:
    """Connections, descriptors and tasks; a few of each come and go with the work of the server itself."""
    return (
        after.connections <= before.connections
        and after.descriptors <= before.descriptors + 3
        and after.tasks <= before.tasks + 5
    )


@contextlib.asynccontextmanager
async def besieged(folder: Path, *, calm: float, own_core: bool) -> AsyncIterator[Siege]:
    """A server with its well-behaved members, looked at for ``calm`` seconds first; with ``own_core`` nobody else is on
    the core of the server. At the end its log may hold no failure."""
    url = f"sqlite://{folder / 'mypick.sqlite3'}"
    tokens = await make_people(url, PEOPLE)
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True)) as http,
        running(folder, url, development=False, beside=(), **SETTINGS) as stack,
    ):
        siege = Siege(stack, list(tokens.values()), http, Cores(own=own_core))
        async with siege.beside():
            await siege.look_at_calm(calm)
            yield siege
    if wrong := unexpected([stack.server.log], []):
        raise AssertionError(f"in the log of the server: {wrong}")


async def siege_of(sizes: Mapping[str, int], seed: int, folder: Path, say: Callable[[str], None]) -> list[Attack]:
    """One attack after the other, each of the size that ``sizes`` says."""
    attacks = []
    async with besieged(folder, calm=CALM, own_core=True) as siege:
        for name, count in sizes.items():
            attacks.append(await siege.attacked(name, count, seed))
            say(f"{name}: {dict(attacks[-1].figures)}, {'; '.join(attacks[-1].problems) or 'well'}")
    return attacks
