"""Mixed traffic for an hour, on PostgreSQL and Redis; what grows is found.

    python -m tests.chaos.soak --minutes 60
    python -m tests.chaos.soak --minutes 2 --token-life 75   # everybody's token ends each 15 s
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import linear_regression
from time import monotonic
from typing import Any

import aiohttp
import orjson
import psutil  # type: ignore[import-untyped]  # the package ships no types

from tests.chaos import truth
from tests.chaos.client import Follower
from tests.chaos.ground import standing
from tests.chaos.logs import unexpected
from tests.chaos.mutations import SPACE
from tests.chaos.people import AT_ONCE, all_renewed, follow, make_people
from tests.chaos.plan import Shape
from tests.chaos.siege import percentile, vitals_of
from tests.chaos.storm import LEFT
from tests.chaos.verdict import judge
from tests.e2e.stack import Device, Rest, Stack, running

SHAPE = Shape("full", 100, 0, 4, 0, {})
BESIDE = 5  # more, who ask for the clock
ASK_EVERY = 0.05  # seconds between two clocks of one of these
FLOOR = 0.01  # seconds: on a shared core a process may wait so long for its turn
POST_EVERY, DROP_EVERY, VISIT_EVERY = 1.0, 1.0, 2.0  # seconds
TO_ALL = 0.1  # of the posts; the others go to a quarter
WARM_UP = 0.25  # of the time: caches and pools fill
SAMPLES = 360  # of an hour: each 10 s; of a short one at least each second
LIFE = 900  # seconds of an access token: an hour has four of each; a socket hears 60 s before the end
SHORT = 60.0  # seconds; of less, how late acks are tells more of the machine
CALM = 60.0  # seconds at the end for everything to arrive
QUOTA = 1_000_000  # units: five channels looked at each second spend a day's 10,000 in half an hour
BOUNDS: Mapping[str, float] = {
    "server MiB": 16.0,  # the level of a Python process moves by some MiB; a leak of 0.5 KB an event is 50 MiB
    "worker MiB": 16.0,
    "server descriptors": 10.0,
    "worker descriptors": 10.0,
    "server tasks": 10.0,
}
"""How much the fitted line may rise from the end of the warm-up to the end."""
SETTINGS = {
    "RATE_LIMITS": orjson.dumps(
        dict.fromkeys(
            (
                *("auth.register", "auth.refresh", "subscribe"),
                *(f"socket.{name}" for name in ("handshake", "connect", "clock", "refresh-auth")),
            ),
            "1000000/1m",
        )
    ).decode(),
    "SOCKET_CONNECTIONS_PER_USER": "100",
}


@dataclass(slots=True)
class Soaked:
    """Samples by name, with their times in seconds, and p99 of the acks of each stretch between two."""

    seconds: float
    compared: int = 0
    posts: int = 0
    drops: int = 0
    visits: int = 0
    renewals: int = 0  # tokens that open sockets took
    at: list[float] = field(default_factory=list)
    samples: dict[str, list[float]] = field(default_factory=dict)
    p99: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def grown(self, name: str) -> float:
        """By how much the fitted line rises after the warm-up."""
        first = next(number for number, at in enumerate(self.at) if at >= self.seconds * WARM_UP)
        at, values = self.at[first:], self.samples[name][first:]
        return linear_regression(at, values).slope * (at[-1] - at[0])

    def judge(self) -> None:
        for name, bound in BOUNDS.items():
            if (grown := self.grown(name)) > bound:
                self.problems.append(f"{name} grew by {grown:.1f}, the bound is {bound:.0f}")
        if self.seconds < SHORT:
            return
        third = len(self.p99) // 3
        early, late = percentile(self.p99[:third], 0.5), percentile(self.p99[-third:], 0.5)
        if late > 2 * max(early, FLOOR):
            self.problems.append(f"the p99 of acks went from {1000 * early:.1f} to {1000 * late:.1f} ms")


async def ask_the_clock(http: aiohttp.ClientSession, url: str, person: Rest, took: Callable[[float], None]) -> None:
    """A member who asks for the clock every ``ASK_EVERY`` seconds; ``took`` gets the seconds from question to ack."""
    async with http.ws_connect(f"{url}/socket.io/?EIO=4&transport=websocket", compress=0) as line:
        await line.receive_str()
        await line.send_str(f"40{SPACE}," + orjson.dumps({"token": person.token}).decode())
        due = monotonic()
        number = 0
        while True:
            due = max(due + ASK_EVERY, monotonic())
            await asyncio.sleep(due - monotonic())
            asked, number = monotonic(), number + 1
            await line.send_str(f'42{SPACE},{number}["clock",{{"t0":0}}]')
            while not (told := await line.receive_str()).startswith(f"43{SPACE},{number}["):
                if told == "2":
                    await line.send_str("3")
                elif told.startswith(f'42{SPACE},["auth-expiring"'):
                    token, number = await person.renew(), number + 1
                    renewal = orjson.dumps(["refresh-auth", {"token": token}]).decode()
                    await line.send_str(f"42{SPACE},{number}{renewal}")
                    due = monotonic()
                    break
            else:
                took(monotonic() - asked)


class Soak:
    def __init__(
        self,
        stack: Stack,
        tokens: Mapping[int, str],
        refresh: Mapping[int, str],
        http: aiohttp.ClientSession,
        door: aiohttp.ClientSession,
        seconds: float,
        seed: int,
    ) -> None:
        self._stack = stack
        self._tokens = dict(list(tokens.items())[:-BESIDE])
        self._persons = {user_id: Rest(stack.url, door) for user_id in tokens}
        for user_id, person in self._persons.items():
            person.token, person.refresh_token = tokens[user_id], refresh[user_id]
        self._http = http
        self._rng = Random(seed)
        self._latencies: list[float] = []
        stack.emulator.set_daily_quota(QUOTA)
        self._channels = {name: stack.emulator.add_channel(name, f"The {name} channel") for name in SHAPE.channels()}
        self._posted: dict[str, str] = {}  # title → channel
        self.soaked = Soaked(seconds)

    async def run(self, database_url: str, say: Callable[[str], None]) -> Soaked:
        followers = await follow(self._stack.url, self._tokens, SHAPE, self._http)
        await all_renewed(self._persons.values())  # the first ones are good for an hour
        self._clients = [self._client(user_id) for user_id in self._tokens]
        async with asyncio.TaskGroup() as group:
            members = [group.create_task(client.run()) for client in self._clients]
            members += [
                group.create_task(ask_the_clock(self._http, self._stack.url, person, self._latencies.append))
                for person in list(self._persons.values())[-BESIDE:]
            ]
            await self._all(lambda client: client.in_step)
            traffic = [
                group.create_task(self._again(every, work))
                for every, work in ((POST_EVERY, self._post), (DROP_EVERY, self._drop), (VISIT_EVERY, self._visit))
            ]
            await self._sample(say)
            for task in traffic:
                task.cancel()
            await asyncio.wait(traffic)
            wanted = dict.fromkeys(self._tokens, 0)
            for channel in self._posted.values():
                for user_id in followers[channel]:
                    wanted[user_id] += 1
            try:
                await self._all(lambda client: client.in_step and client.last >= wanted[client.user_id])
            except TimeoutError:
                late = [client for client in self._clients if client.last < wanted[client.user_id]]
                away = sum(not client.in_step for client in self._clients)
                most = max((wanted[client.user_id] - client.last for client in late), default=0)
                self.soaked.problems.append(
                    f"after {CALM:g} s {len(late)} clients lack up to {most} notifications, {away} are not in step"
                )
            async with asyncio.timeout(CALM):
                while (await truth.rows(database_url, LEFT))[0][0] != (0,):
                    await asyncio.sleep(0.1)
                await asyncio.gather(*(client.ask_for_more() for client in self._clients))
            judged = await judge(
                database_url,
                self._clients,
                list(self._posted),
                {title: followers[channel] for title, channel in self._posted.items()},
            )
            for task in members:
                task.cancel()
        self.soaked.compared = judged.compared
        self.soaked.renewals = sum(client.renewals for client in self._clients)
        refused = sum((client.refused for client in self._clients), Counter[str]())
        self.soaked.problems += [f"refused: {code} ({count} times)" for code, count in refused.items()]
        self.soaked.problems += judged.problems
        self.soaked.judge()
        return self.soaked

    def _client(self, user_id: int) -> Follower:
        person = self._persons[user_id]
        client = Follower([self._stack.url], user_id, person.token, self._http, Random(user_id))
        client.renew = person.renew
        return client

    async def _all(self, condition: Callable[[Follower], bool]) -> None:
        async with asyncio.timeout(CALM):
            for client in self._clients:
                await client.became(lambda client=client: condition(client))  # type: ignore[misc]

    async def _again(self, every: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(self._rng.uniform(0.5, 1.5) * every)
            await work()

    async def _post(self) -> None:
        names = list(self._channels)
        name = names[0] if self._rng.random() < TO_ALL else self._rng.choice(names[1:])
        title = f"post {self.soaked.posts} on {name}"
        self._stack.emulator.publish(self._channels[name], title)
        self._posted[title] = name
        self.soaked.posts += 1

    async def _drop(self) -> None:
        self._rng.choice(self._clients).drop()
        self.soaked.drops += 1

    async def _visit(self) -> None:
        """Somebody reads the feed and the inbox, and is there for a moment over polling, and then a WebSocket."""
        rest = Rest(self._stack.url, self._http)
        rest.token = self._persons[self._rng.choice(list(self._tokens))].token
        for path in ("/feed", "/notifications", "/users/me", "/creators"):
            await rest.ok("GET", path)
        device = Device(self._stack.url, rest, transports=["polling", "websocket"])
        await device.open()
        answer: dict[str, Any] = await device.ask("clock", {"t0": 1})
        assert answer["ok"], answer
        await device.close()
        self.soaked.visits += 1

    async def _sample(self, say: Callable[[str], None]) -> None:
        worker = self._stack.worker
        assert worker is not None
        server_process, worker_process = psutil.Process(self._stack.server.pid), psutil.Process(worker.pid)
        began, every = monotonic(), max(1.0, self.soaked.seconds / SAMPLES)
        while (at := monotonic() - began) < self.soaked.seconds:
            vitals = await vitals_of(server_process, self._stack.url, self._http)
            told = {
                "server MiB": vitals.bytes / 2**20,
                "worker MiB": worker_process.memory_info().rss / 2**20,
                "server descriptors": vitals.descriptors,
                "worker descriptors": worker_process.num_fds(),
                "server tasks": vitals.tasks,
            }
            self.soaked.at.append(at)
            for name, value in told.items():
                self.soaked.samples.setdefault(name, []).append(value)
            if self._latencies:
                self.soaked.p99.append(percentile(self._latencies, 0.99))
                self._latencies.clear()
                shown = " · ".join(f"{name} {value:.0f}" for name, value in told.items())
                say(f"{at:5.0f} s: {shown} · p99 {1000 * self.soaked.p99[-1]:.1f} ms")
            await asyncio.sleep(every)


async def soak(seconds: float, seed: int, folder: Path, say: Callable[[str], None], life: int = LIFE) -> Soaked:
    """Servers of its own in ``folder``, and ``seconds`` of traffic by people with tokens of ``life`` seconds."""
    refresh: dict[int, str] = {}
    settings = {**SETTINGS, "JWT_EXPIRES_IN": str(life)}
    async with (
        standing(SHAPE, seed, folder) as ground,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
        # all ask for tokens in one moment: connections that are kept for the next request would look like a leak
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE, force_close=True)) as door,
    ):
        tokens = await make_people(ground.database_url, SHAPE.clients + BESIDE, refresh)
        database_url, redis_url = ground.seen_by_processes()
        async with running(folder, database_url, redis_url, development=False, beside=(), **settings) as stack:
            soaked = await Soak(stack, tokens, refresh, http, door, seconds, seed).run(database_url, say)
        soaked.problems += unexpected([process.log for process in stack.processes], [])
        return soaked


def render(soaked: Soaked) -> str:
    lines = [
        f"{soaked.seconds / 60:.0f} minutes · {soaked.posts:,} posts, {soaked.compared:,} notifications, "
        f"{soaked.drops:,} cut connections, {soaked.visits:,} visits, {soaked.renewals:,} tokens renewed",
        *(
            f"  {name}: {values[0]:.1f} at first, {values[-1]:.1f} at last, fitted growth {soaked.grown(name):+.1f}"
            for name, values in soaked.samples.items()
        ),
        f"  p99 of acks: {1000 * percentile(soaked.p99, 0.5):.1f} ms, the median of its samples",
    ]
    return "\n".join([*lines, *(f"WRONG: {problem}" for problem in soaked.problems)] or lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description="Traffic for long; nothing grows.")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--token-life", type=int, default=LIFE, metavar="SECONDS", help="of an access token")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="mypick-soak-") as folder:
        soaked = asyncio.run(
            soak(
                options.minutes * 60,
                options.seed,
                Path(folder),
                lambda text: print(text, file=sys.stderr, flush=True),
                options.token_life,
            )
        )
    print(f"seed {options.seed} · {render(soaked)}")
    return 1 if soaked.problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
