"""One round: a MyPick in processes of its own, its followers, and everything that befalls it."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import monotonic

import aiohttp

from tests.chaos import truth
from tests.chaos.client import Follower
from tests.chaos.faults import Faults
from tests.chaos.ground import Ground, opened, standing
from tests.chaos.logs import unexpected
from tests.chaos.official import NodeFollower, PythonFollower, node_crowd
from tests.chaos.people import follow, make_people
from tests.chaos.plan import Post, Shape, draw
from tests.chaos.verdict import Judged, judge
from tests.e2e.stack import Stack
from tests.installed import missing

READY = 60.0  # seconds until all followers are in and every channel was looked at once
CALM = 120.0  # seconds after the last step until everything has arrived; beyond it something is lost

_FIRST_LOOKS = "SELECT count(*) FROM channel WHERE first_polled_at IS NULL"
LEFT = "SELECT count(*) FROM job WHERE kind = 'notifications.fan-out' AND state = 'due'"


@dataclass(slots=True)
class Result:
    """Figures of one round. Times in seconds."""

    shape: Shape
    seed: int
    judged: Judged
    faults: Counter[str]
    in_fan_out: int  # kills after which a fan-out stood half done
    official: int  # clients that we did not write
    dropped: int  # messages of the bus
    reconnects: int
    repeats: int  # events that came again and were ignored
    gaps: int  # events that came early and were held
    refused: Counter[str]
    delay_median: float  # from a post to a follower's log
    delay_worst: float
    away_worst: float  # from a lost connection to being in step again
    seconds: float
    unexpected: list[str]

    @property
    def problems(self) -> list[str]:
        return [*self.judged.problems, *self.unexpected]


async def round_of(shape: Shape, seed: int, folder: Path, say: Callable[[str], None]) -> Result:
    """Do everything that ``shape`` and ``seed`` say in ``folder``, and compare."""
    began = monotonic()
    async with (
        standing(shape, seed, folder) as ground,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
    ):
        tokens = await make_people(ground.database_url, shape.clients)
        async with opened(shape, seed, ground, folder) as stack:
            storm = Storm(shape, seed, ground, stack, say)
            return await storm.run(tokens, http, began)


class Storm:
    def __init__(self, shape: Shape, seed: int, ground: Ground, stack: Stack, say: Callable[[str], None]) -> None:
        self._shape = shape
        self._seed = seed
        self._ground = ground
        self._stack = stack
        self._say = say
        self._clients: list[Follower] = []
        self._channels: dict[str, str] = {}
        self._followers: dict[str, list[int]] = {}
        self._posted: dict[str, tuple[str, float]] = {}  # title → channel, when

    async def run(self, tokens: dict[int, str], http: aiohttp.ClientSession, began: float) -> Result:
        for name in self._shape.channels():
            self._channels[name] = self._stack.emulator.add_channel(name, f"The {name} channel")
        self._followers = await follow(self._stack.url, tokens, self._shape, http)
        self._clients = [
            self._client(number, user_id, token, http) for number, (user_id, token) in enumerate(tokens.items())
        ]
        faults = Faults(self._shape, self._seed, self._ground, self._stack, self._clients, self._count)
        async with self._connected():
            await self._ready()
            for number, step in enumerate(steps := draw(self._shape, self._seed)):
                if isinstance(step, Post):
                    await asyncio.sleep(step.pause)
                    self._publish(step)
                else:
                    await faults.befall(step)
                    self._say(f"step {number + 1} of {len(steps)}: {step.target}, {step.kind or step.moment}")
            missing = await self._calm()
            judged = await judge(
                self._ground.database_url,
                self._clients,
                list(self._posted),
                {title: self._followers[channel] for title, (channel, _) in self._posted.items()},
            )
        dead = [f"{process.log.stem} ended by itself" for process in self._stack.processes if not process.running]
        return self._result(judged, faults, [*missing, *dead], monotonic() - began)

    # the followers

    def _client(self, number: int, user_id: int, token: str, http: aiohttp.ClientSession) -> Follower:
        """Among several nodes each tenth is python-socketio's, and each tenth the official one where Node is here."""
        addresses = self._ground.addresses(self._stack)
        kind: type[Follower] = Follower
        if self._shape.form == "nodes" and number % 10 in (0, 5):
            kind = PythonFollower if number % 10 == 0 or missing("node") else NodeFollower
            addresses = addresses[-1:]  # processes that share a port take no polling, with which these begin
        return kind(addresses, user_id, token, http, random.Random(f"{self._seed}:{user_id}"))

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[None]:
        """All followers run; the first that fails for good ends the round."""
        async with contextlib.AsyncExitStack() as undo, asyncio.TaskGroup() as group:
            if nodes := [client for client in self._clients if isinstance(client, NodeFollower)]:
                crowd = await undo.enter_async_context(node_crowd())
                for client in nodes:
                    client.among(crowd)
            tasks = [group.create_task(client.run()) for client in self._clients]
            yield
            for task in tasks:
                task.cancel()

    async def _all(self, condition: Callable[[Follower], bool], within: float) -> bool:
        try:
            async with asyncio.timeout(within):
                for client in self._clients:
                    await client.became(lambda client=client: condition(client))  # type: ignore[misc]
        except TimeoutError:
            return False
        return True

    async def _ready(self) -> None:
        """Everybody is in step, and what channels had before is history to the server."""
        assert await self._all(lambda client: client.in_step, READY), "not everybody came in"
        async with asyncio.timeout(READY):
            while await self._count(_FIRST_LOOKS):
                await asyncio.sleep(0.05)

    async def _calm(self) -> list[str]:
        """Wait until everybody has everything, then once more for what was on its way. What is missing."""
        wanted = Counter(user for channel, _ in self._posted.values() for user in self._followers[channel])
        missing = []
        if not await self._all(lambda client: client.in_step and client.last >= wanted[client.user_id], CALM):
            late = [client.stream for client in self._clients if client.last < wanted[client.user_id]]
            missing.append(f"after {CALM:.0f} s {len(late)} clients lack something: {late[:5]}")
        async with asyncio.timeout(CALM):
            while await self._count(LEFT) and not missing:
                await asyncio.sleep(0.05)
            await asyncio.gather(*(client.ask_for_more() for client in self._clients))
        return missing

    def _publish(self, post: Post) -> None:
        self._stack.emulator.publish(self._channels[post.channel], post.title)
        self._posted[post.title] = (post.channel, monotonic())

    async def _count(self, statement: str) -> int:
        ((row,),) = await truth.rows(self._ground.database_url, statement)
        return int(row[0])

    # what came of it

    def _result(self, judged: Judged, faults: Faults, missing: list[str], seconds: float) -> Result:
        delays = [
            received.at - self._posted[received.event["data"]["body"]][1]
            for client in self._clients
            for received in client.log
        ]
        refused: Counter[str] = Counter()
        for client in self._clients:
            refused += client.refused
        logs = [process.log for process in self._stack.processes]
        return Result(
            shape=self._shape,
            seed=self._seed,
            judged=judged,
            faults=faults.done,
            in_fan_out=faults.in_fan_out,
            official=sum(type(client) is not Follower for client in self._clients),
            dropped=self._ground.dropper.dropped if self._ground.dropper else 0,
            reconnects=sum(client.connects - 1 for client in self._clients),
            repeats=sum(client.repeats for client in self._clients),
            gaps=sum(client.gaps for client in self._clients),
            refused=refused,
            delay_median=median(delays) if delays else 0.0,
            delay_worst=max(delays, default=0.0),
            away_worst=max(client.longest_away for client in self._clients),
            seconds=seconds,
            unexpected=[*missing, *unexpected(logs, self._ground.outages)],
        )
