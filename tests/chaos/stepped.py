"""A round in which the clocks of all machines are set to and fro, while people talk and a platform posts."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from time import monotonic

import aiohttp
import orjson

from mypick.community.models import Room
from mypick.db import open_database
from tests.chaos import truth
from tests.chaos.client import Follower
from tests.chaos.dials import Dial, built
from tests.chaos.logs import unexpected
from tests.chaos.official import NodeCrowd, NodeFollower, PythonFollower, node_crowd
from tests.chaos.people import make_people, register
from tests.chaos.steps import Size, Stepped, draw
from tests.chaos.storm import LEFT
from tests.chaos.talkers import Talker, talkers
from tests.chaos.verdict import judge
from tests.e2e.stack import Rest, Stack, running
from tests.servers import PostgresServer, RedisServer

LATER = 7_300.0  # seconds: what was planned by the clock that ran furthest ahead waits for that time, and a lease
TALK = 0.25  # seconds between two messages of one talker; slow mode lets one in a second pass
SLOW = 1  # seconds
DROPPED = 0.3  # of the clients, after each step: they come back to the clock that is wrong
ANSWERS = 5.0  # seconds for a server to answer after a step
CALM = 60.0  # seconds at the end until everything has arrived
LIMITED = ("auth.register", "auth.refresh", "socket.handshake", "socket.connect", "subscribe", "community.send")

_FIRST_LOOKS = "SELECT count(*) FROM channel WHERE first_polled_at IS NULL"
_SAID = """
SELECT stream_event.seq, stream_event.id, message.text, stream_event.at FROM stream_event
JOIN stream ON stream.id = stream_event.stream_id JOIN message ON message.id = stream_event.ref
WHERE stream.key LIKE 'room:%' AND stream_event.type = 'message-created' ORDER BY stream_event.seq
"""


async def on_three_machines(size: Size, seed: int, folder: Path, say: Callable[[str], None]) -> Stepped:
    """The long form, on a PostgreSQL whose clock is right and a Redis whose clock is not."""
    with contextlib.ExitStack() as undo:
        postgres = await asyncio.to_thread(undo.enter_context, PostgresServer())
        url = await asyncio.to_thread(postgres.create_database, "clocks")
        await make_people(url, 0)

        def redis_url(dial: Dial) -> str:
            return undo.enter_context(RedisServer(environment=dial.environment)).url

        return await round_of_steps(size, seed, folder, url, redis_url, say)


async def round_of_steps(
    size: Size,
    seed: int,
    folder: Path,
    database_url: str,
    redis_url: Callable[[Dial], str] | None,
    say: Callable[[str], None],
) -> Stepped:
    """One server on SQLite; or, with ``redis_url``, two servers, a worker at the first one's side, and a Redis that
    has the clock of its own machine."""
    library = built(folder)
    dials = [Dial("one", folder, library)]
    beside: list[dict[str, str]] = []
    shared = ""
    if redis_url:
        dials += [Dial("other", folder, library), Dial("redis", folder, library)]
        shared = redis_url(dials[2])
        beside = [dict(dials[1].environment)]
    limits = orjson.dumps(dict.fromkeys(LIMITED, "100000/1m")).decode()
    began = monotonic()
    async with (
        running(
            folder,
            database_url,
            shared,
            development=False,
            beside=beside,
            RATE_LIMITS=limits,
            RATE_LIMIT_MAX_REQUESTS="10000",
            **dials[0].environment,
        ) as stack,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
    ):
        stepped = await Round(size, seed, stack, dials, database_url, http, say).run()
    stepped.problems += unexpected([process.log for process in stack.processes], [])
    stepped.seconds = monotonic() - began
    return stepped


class Round:
    def __init__(
        self,
        size: Size,
        seed: int,
        stack: Stack,
        dials: Sequence[Dial],
        database_url: str,
        http: aiohttp.ClientSession,
        say: Callable[[str], None],
    ) -> None:
        self._size, self._stack, self._dials, self._database_url = size, stack, dials, database_url
        self._http, self._say = http, say
        self._rng = Random(f"{seed}: clients")
        self._urls = [f"http://127.0.0.1:{server.port}" for server in stack.servers]
        self._steps = draw(size, len(dials), seed)
        self._titles: list[str] = []
        self._clients: list[Follower] = []
        self._talkers: list[Talker] = []
        self._done = Stepped(seed, size, len(dials))

    async def run(self) -> Stepped:
        channel = self._stack.emulator.add_channel("late", "Late Show")
        creator = await self._people()
        async with self._connected(creator):
            async with asyncio.timeout(CALM):
                while (await truth.rows(self._database_url, _FIRST_LOOKS))[0] != [(0,)]:
                    await asyncio.sleep(0.05)
            talking = [asyncio.create_task(self._talk(talker)) for talker in self._talkers]
            for step in self._steps:
                self._dials[step.machine].set(step.offset)
                self._titles.append(f"post {len(self._titles)}")
                self._stack.emulator.publish(channel, self._titles[-1])
                self._drop(DROPPED)
                await self._look()
                await asyncio.sleep(step.hold)
                self._say(f"{self._dials[step.machine].name} is {step.offset:+.0f} s from the truth")
            for task in talking:
                task.cancel()
            for dial in self._dials:
                dial.set(LATER)
            self._drop(1)  # nobody's token is good any more
            self._say("all are ahead of what they planned")
            await self._calm()
            self._say("everybody has everything")
            await self._judge()
        return self._done

    # people

    async def _people(self) -> int:
        """Everybody is registered and follows; the id of the creator."""
        self._persons = [Rest(self._urls[number % len(self._urls)], self._http) for number in range(self._count)]
        await register(self._persons)
        creators = await asyncio.gather(*(person.follow("@late") for person in self._persons))
        return creators[0]

    @property
    def _count(self) -> int:
        return self._size.followers + self._size.official + self._size.talkers

    @contextlib.asynccontextmanager
    async def _connected(self, creator: int) -> AsyncIterator[None]:
        (community,) = await self._persons[0].ok("GET", f"/communities?creator_id={creator}")
        room = (await self._persons[0].ok("GET", f"/communities/{community['id']}"))["rooms"][0]["id"]
        async with open_database(self._database_url):
            await Room.filter(id=room).update(slow_seconds=SLOW)
        async with contextlib.AsyncExitStack() as undo, asyncio.TaskGroup() as group:
            crowd = await undo.enter_async_context(node_crowd())
            library = await undo.enter_async_context(talkers())
            for number, person in enumerate(self._persons):
                url = self._urls[number % len(self._urls)]
                self._clients.append(self._client(number, person, url, room, crowd))
            self._talkers = [client for client in self._clients if isinstance(client, Talker)]
            running = [
                group.create_task(client.run()) for client in self._clients if not isinstance(client, Talker)
            ]
            async with asyncio.timeout(CALM):
                await asyncio.gather(*(talker.open(library) for talker in self._talkers))
                for client in self._clients:
                    await client.became(lambda client=client: client.in_step)  # type: ignore[misc]
            yield
            for task in running:
                task.cancel()

    def _client(self, number: int, person: Rest, url: str, room: int, crowd: NodeCrowd) -> Follower:
        user_id = person.user["id"]
        if number >= self._size.followers + self._size.official:
            return Talker(url, user_id, person.user["email"], room, self._http)
        kind: type[Follower] = Follower
        if number >= self._size.followers:
            kind = NodeFollower if number % 2 else PythonFollower
        # any node at any time: tokens that one clock has signed are read by the others
        client = kind(self._urls, user_id, person.token, self._http, Random(user_id))
        if isinstance(client, NodeFollower):
            client.among(crowd)

        async def renew() -> str:
            self._done.renewals += 1
            return await person.renew()

        client.renew = renew
        return client

    async def _talk(self, talker: Talker) -> None:
        number = 0
        while True:
            await asyncio.sleep(TALK * self._rng.uniform(0.5, 1.5))
            if not talker.waiting:  # slow mode holds it up
                number += 1
                talker.say(f"{talker.user_id} says {number}")

    def _drop(self, share: float) -> None:
        for client in self._rng.sample(self._clients, round(len(self._clients) * share)):
            client.drop()

    # looking

    async def _look(self) -> None:
        """Every server answers at once, and nobody is held to have asked too much."""
        for url in self._urls:
            began = monotonic()
            try:
                async with asyncio.timeout(ANSWERS), self._http.get(f"{url}/api/v1/creators") as response:
                    wait = float(response.headers.get("RateLimit-Reset", "0"))
                    if response.status == 429 or not 0 <= wait <= 60:
                        self._done.problems.append(f"the limit of {url}: status {response.status}, full in {wait} s")
            except TimeoutError:
                self._done.problems.append(f"{url} did not answer within {ANSWERS:.0f} s of a step")
            self._done.slowest = max(self._done.slowest, monotonic() - began)

    async def _calm(self) -> None:
        """Everybody has everything, and nothing is under way."""
        try:
            async with asyncio.timeout(CALM):
                for client in self._clients:
                    await client.became(lambda client=client: client.in_step and client.last >= len(self._titles))  # type: ignore[misc]
                for talker in self._talkers:
                    await talker.became(lambda talker=talker: not talker.waiting)  # type: ignore[misc]
                wanted = (await truth.rows(self._database_url, _SAID))[0]
                for talker in self._talkers:
                    await talker.became(lambda talker=talker: len(talker.heard) >= len(wanted))  # type: ignore[misc]
                while (await truth.rows(self._database_url, LEFT))[0] != [(0,)]:
                    await asyncio.sleep(0.05)
                await asyncio.gather(*(client.ask_for_more() for client in self._clients))
        except TimeoutError:
            late = [client.stream for client in self._clients if client.last < len(self._titles)]
            waiting = {talker.stream: talker.waiting for talker in self._talkers if talker.waiting}
            self._done.problems.append(f"after {CALM:.0f} s: late {late}, without an answer {waiting}")

    async def _judge(self) -> None:
        done = self._done
        everybody = [client.user_id for client in self._clients]
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
        done.reconnects = sum(client.connects - 1 for client in self._clients)
        rows = (await truth.rows(self._database_url, _SAID))[0]
        done.messages = len(rows)
        stored = Counter(text for _, _, text, _ in rows)
        if [row[0] for row in rows] != list(range(1, len(rows) + 1)) or set(stored.values()) - {1}:
            done.problems.append("the room has messages twice, or a hole")
        times = [truth.moment(at) for _, _, _, at in rows]
        done.back = sum(later < earlier for earlier, later in pairwise(times))
        for talker in self._talkers:
            heard = [(event["seq"], event["id"], event["data"]["text"]) for event in talker.heard]
            if heard != [row[:3] for row in rows]:
                done.problems.append(f"{talker.stream} heard {len(heard)} of {len(rows)} messages, or others")
            unsaid = [text for text in talker.said if not stored[text]]
            if unsaid:
                done.problems.append(f"{talker.stream} was told that it said {unsaid}, which is not there")
            done.problems += [f"{talker.stream}: {why} ({count} times)" for why, count in talker.failed.items()]
