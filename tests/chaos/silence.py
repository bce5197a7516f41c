"""A round of links that are dead and do not say so: packets that are lost on the way, and members who read nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic

import aiohttp
import orjson
import psutil  # type: ignore[import-untyped]  # the package ships no types

from tests.chaos import truth
from tests.chaos.client import Follower
from tests.chaos.deaf import Deaf
from tests.chaos.logs import unexpected
from tests.chaos.official import NodeFollower, PythonFollower, node_crowd
from tests.chaos.people import register
from tests.chaos.proxy import End, Proxy
from tests.chaos.siege import BACK_WITHIN, GROWTH, Vitals, is_back, vitals_of
from tests.chaos.storm import LEFT
from tests.chaos.talkers import Talker, talkers
from tests.chaos.verdict import judge
from tests.e2e.stack import Rest, Stack, running
from tests.installed import missing

LONG = "x" * 180  # in each title: 40 posts are an inbox of 40 KB
ASKS = 30_000  # of one who is greedy, some 6 MB of answers: over what the kernel takes and the server holds
POST_EVERY = 0.2  # seconds, while links are dead
LATE = 5.0  # seconds after its ping timeout in which who reads nothing is gone, and everybody else is back
HELD = 1024 * 1024  # bytes that the server may hold for one connection, its default
CALM = 60.0  # seconds for everybody to come in, and for everything to arrive
SETTINGS: Mapping[str, str] = {
    "RATE_LIMITS": orjson.dumps(
        dict.fromkeys(
            (
                *("auth.register", "auth.refresh", "subscribe"),
                *(f"socket.{name}" for name in ("handshake", "connect", "command", "sync")),
            ),
            "1000000/1m",
        )
    ).decode(),
    "RATE_LIMIT_MAX_REQUESTS": "100000",
    "SOCKET_PACKETS_PER_SECOND": "100000",
}
LOSSES: Sequence[Sequence[End]] = (("client", "server"), ("client",), ("server",))
"""Whom nothing reaches: both; the clients alone; the server alone."""


@dataclass(frozen=True, slots=True)
class Links:
    """Who is connected: ``followers`` of ours, ``official`` ones, python-socketio's and the official one in turn, and
    ``library`` over mypick.js; and those who read nothing, of whom ``greedy`` ask for more than is held for them.
    Pings in whole seconds."""

    followers: int
    official: int
    library: int
    deaf: int
    greedy: int
    history: int  # posts before all
    losses: int
    interval: int
    timeout: int


@dataclass(slots=True)
class Silent:
    """What came of it. Times in seconds; ``noticed`` and ``back`` begin when the links die."""

    seed: int
    links: Links
    notifications: int = 0
    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    dead: int = 0  # links that died unheard
    noticed: float = 0.0  # the last by the server
    back: float = 0.0  # the last client, in step again
    deaf_for: float = 0.0  # the longest that one who reads nothing was there
    too_slow: int = 0  # cut for what was held for them
    most_held: int = 0  # bytes, for one of these
    kept: tuple[int, int, float] = (0, 0, 0.0)  # descriptors, tasks and MiB at the end, over the level before
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


async def round_of_silence(links: Links, seed: int, folder: Path, say: Callable[[str], None]) -> Silent:
    began = monotonic()
    pings = {"SOCKET_PING_INTERVAL": str(links.interval), "SOCKET_PING_TIMEOUT": str(links.timeout)}
    url = f"sqlite://{folder / 'mypick.sqlite3'}"
    async with (
        running(folder, url, development=False, beside=(), **SETTINGS, **pings) as stack,
        Proxy(lambda: stack.server.port, Random(seed)) as proxy,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True)) as http,
    ):
        silent = await Round(links, seed, stack, proxy, url, http, say).run()
    silent.problems += unexpected([stack.server.log], [])
    silent.seconds = monotonic() - began
    return silent


class Round:
    def __init__(
        self,
        links: Links,
        seed: int,
        stack: Stack,
        proxy: Proxy,
        database_url: str,
        http: aiohttp.ClientSession,
        say: Callable[[str], None],
    ) -> None:
        self._links, self._stack, self._proxy, self._database_url = links, stack, proxy, database_url
        self._http, self._say = http, say
        self._rng = Random(f"{seed}: links")
        self._process = psutil.Process(stack.server.pid)
        self._clients: list[Follower] = []
        self._deaf: list[Deaf] = []
        self._titles: list[str] = []
        self._done = Silent(seed, links)

    @property
    def _bound(self) -> float:
        """Seconds in which a dead link is noticed, from either side."""
        return self._links.interval + self._links.timeout

    async def run(self) -> Silent:
        self._channel = self._stack.emulator.add_channel("quiet", "Quiet Hours")
        persons = await self._people()
        async with self._connected(persons):
            self._say(f"{len(self._clients)} are in step")
            before = await self._vitals()
            deaf = asyncio.create_task(self._be_deaf())
            for number in range(self._links.losses):
                await self._lose(LOSSES[number % len(LOSSES)])
            await deaf
            await self._calm()
            await self._judge()
            await self._look(before)
        return self._done

    async def _people(self) -> list[Rest]:
        links = self._links
        count = links.followers + links.official + links.library + links.deaf
        persons = [Rest(self._stack.url, self._http) for _ in range(count)]
        await register(persons)
        await asyncio.gather(*(person.follow("@quiet") for person in persons))
        async with asyncio.timeout(CALM):
            while (await truth.rows(self._database_url, "SELECT first_polled_at FROM channel"))[0] == [(None,)]:
                await asyncio.sleep(0.02)
        for _ in range(links.history):
            self._post()
        async with asyncio.timeout(CALM):
            told = count * links.history
            while (await truth.rows(self._database_url, "SELECT count(*) FROM notification"))[0] != [(told,)]:
                await asyncio.sleep(0.05)
        for person in persons[count - links.deaf :]:
            asks = ASKS if len(self._deaf) < links.greedy else 0
            self._deaf.append(Deaf(person.user["id"], person.token, asks))
        return persons[: count - links.deaf]

    def _post(self) -> None:
        self._titles.append(f"post {len(self._titles)} {LONG}")
        self._stack.emulator.publish(self._channel, self._titles[-1])

    @contextlib.asynccontextmanager
    async def _connected(self, persons: list[Rest]) -> AsyncIterator[None]:
        url = f"http://127.0.0.1:{self._proxy.port}"
        node = not missing("node")
        async with contextlib.AsyncExitStack() as undo, asyncio.TaskGroup() as group:
            crowd = await undo.enter_async_context(node_crowd()) if node else None
            library = await undo.enter_async_context(talkers()) if node else None
            for number, person in enumerate(persons):
                user_id, official = person.user["id"], number - self._links.followers
                kind = PythonFollower if official % 2 == 0 or not crowd else NodeFollower
                if official < 0:
                    kind = Follower  # type: ignore[assignment]
                if official >= self._links.official and library:
                    self._clients.append(Talker(url, user_id, person.user["email"], None, self._http))
                    continue
                client: Follower = kind([url], user_id, person.token, self._http, Random(user_id))
                if isinstance(client, NodeFollower) and crowd:
                    client.among(crowd)
                self._clients.append(client)
            running = [group.create_task(each.run()) for each in self._clients if not isinstance(each, Talker)]
            async with asyncio.timeout(CALM):
                if library:
                    await asyncio.gather(*(one.open(library) for one in self._clients if isinstance(one, Talker)))
                await self._all(lambda client: client.in_step)
            yield
            for task in running:
                task.cancel()

    async def _all(self, condition: Callable[[Follower], bool]) -> None:
        for client in self._clients:
            await client.became(lambda client=client: condition(client))  # type: ignore[misc]

    # what happens

    async def _be_deaf(self) -> None:
        """They join, read nothing, and are gone in time; most of them are there for one ping and its timeout."""
        async with asyncio.TaskGroup() as group:
            for one in self._deaf:
                await one.join(self._stack.server.port)
                group.create_task(one.be_deaf())
        for one in self._deaf:
            one.close()
        self._done.deaf_for = max((one.gone_at - one.joined_at for one in self._deaf), default=0.0)
        if self._done.deaf_for > self._bound + LATE:
            self._done.problems.append(f"one who read nothing was there for {self._done.deaf_for:.1f} s")

    async def _lose(self, ends: Collection[End]) -> None:
        """All links die, unheard; posts go on. Everybody is back in time, and the server has let the dead ones go."""
        connects = {client.user_id: client.connects for client in self._clients}
        wires = self._proxy.wires
        self._proxy.swallow(wires, ends)
        self._done.dead += len(wires)
        began = monotonic()
        posting = asyncio.create_task(self._post_on())
        try:
            async with asyncio.timeout(self._bound + LATE):
                await self._all(lambda client: client.in_step and client.connects > connects[client.user_id])
            self._done.back = max(self._done.back, monotonic() - began)
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + self._bound + LATE):
                while (await self._vitals()).connections > len(self._clients) + len(self._deaf_now):
                    await asyncio.sleep(0.05)
            self._done.noticed = max(self._done.noticed, monotonic() - began)
        except TimeoutError:
            away = [client.stream for client in self._clients if not client.in_step]
            self._done.problems.append(
                f"{self._bound + LATE:.0f} s after nothing reached {ends}: away {away}, {await self._vitals()}"
            )
        finally:
            posting.cancel()
            await asyncio.wait([posting])
        self._say(f"{len(wires)} links lost what went to {' and '.join(ends)}; back after {monotonic() - began:.1f} s")

    @property
    def _deaf_now(self) -> list[Deaf]:
        return [one for one in self._deaf if one.joined_at and not one.gone_at]

    async def _post_on(self) -> None:
        while True:
            self._post()
            await asyncio.sleep(POST_EVERY * self._rng.uniform(0.5, 1.5))

    # what came of it

    async def _vitals(self) -> Vitals:
        return await vitals_of(self._process, self._stack.url, self._http)

    async def _calm(self) -> None:
        try:
            async with asyncio.timeout(CALM):
                await self._all(lambda client: client.in_step and client.last >= len(self._titles))
                while (await truth.rows(self._database_url, LEFT))[0] != [(0,)]:
                    await asyncio.sleep(0.05)
                await asyncio.gather(*(client.ask_for_more() for client in self._clients))
        except TimeoutError:
            late = [client.stream for client in self._clients if client.last < len(self._titles)]
            self._done.problems.append(f"after {CALM:.0f} s {len(late)} clients lack something: {late[:5]}")

    async def _judge(self) -> None:
        done = self._done
        everybody = [client.user_id for client in self._clients] + [one.user_id for one in self._deaf]
        judged = await judge(
            self._database_url, self._clients, self._titles, dict.fromkeys(self._titles, everybody)
        )
        done.notifications, done.lost, done.doubled, done.reordered = (
            judged.compared,
            judged.lost,
            judged.doubled,
            judged.reordered,
        )
        done.problems += judged.problems
        cut = [line for line in self._stack.logs() if line["event"] == "cutting a connection"]
        reasons = Counter(line["reason"] for line in cut)
        done.too_slow = reasons["too slow"]
        done.most_held = max((line.get("unsent", 0) for line in cut), default=0)
        if self._links.greedy and not done.too_slow:
            done.problems.append("nobody was cut for what was held for them")
        if done.most_held > HELD:
            done.problems.append(f"{done.most_held} bytes were held for one connection")
        if reasons["ping timeout"] + reasons["too slow"] < len(self._deaf):
            done.problems.append(f"{len(self._deaf)} read nothing, and cut were {dict(reasons)}")
        for client in self._clients:
            if isinstance(client, Talker) and client.failed:
                done.problems.append(f"{client.stream}: {dict(client.failed)}")

    async def _look(self, before: Vitals) -> None:
        """Descriptors, tasks and memory are back at their level."""
        ended = monotonic()
        after = await self._vitals()
        while not is_back(before, after) and monotonic() - ended <= BACK_WITHIN:
            await asyncio.sleep(0.2)
            after = await self._vitals()
        self._done.kept = (
            after.descriptors - before.descriptors,
            after.tasks - before.tasks,
            (after.bytes - before.bytes) / 2**20,
        )
        if not is_back(before, after) or self._done.kept[2] > GROWTH:
            self._done.problems.append(f"something is kept: {before} became {after}")
