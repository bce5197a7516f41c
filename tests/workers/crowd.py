"""A server of two workers, and followers of one channel on it."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import psutil  # type: ignore[import-untyped]  # the package ships no types

from tests.chaos.client import Follower
from tests.chaos.people import make_people
from tests.e2e.stack import Rest, Stack, running

PEOPLE = 30  # all on one of two workers by chance: once in 2 ** 29
ARRIVES = 60.0  # seconds


class Crowd:
    """``PEOPLE`` who follow one channel, each with a socket that comes back and resumes by ``seq``."""

    def __init__(self, stack: Stack, tokens: dict[int, str], http: aiohttp.ClientSession) -> None:
        self.stack = stack
        self.http = http
        self.channel = stack.emulator.add_channel("crowd", "The crowd's channel")
        self.titles: list[str] = []
        self._tokens = tokens
        self.followers = [
            Follower([stack.url], user_id, token, http, Random(user_id)) for user_id, token in tokens.items()
        ]

    async def follow(self) -> None:
        people = [Rest(self.stack.url, self.http) for _ in self._tokens]
        for rest, token in zip(people, self._tokens.values(), strict=True):
            rest.token = token
        creator = (await people[0].ok("POST", "/creators", {"source": "@crowd"}))["id"]
        await asyncio.gather(*(rest.ok("POST", f"/creators/{creator}/subscribe") for rest in people))

    def post(self) -> None:
        self.titles.append(f"post {len(self.titles) + 1}")
        self.stack.emulator.publish(self.channel, self.titles[-1])

    async def all(self, condition: Callable[[Follower], bool]) -> None:
        async with asyncio.timeout(ARRIVES):
            for follower in self.followers:
                await follower.became(lambda follower=follower: condition(follower))  # type: ignore[misc]

    async def told_everything(self) -> None:
        """Each has each post exactly once, in the order of ``seq`` without a hole."""
        await self.all(lambda follower: follower.in_step and len(follower.log) >= len(self.titles))
        await asyncio.gather(*(follower.ask_for_more() for follower in self.followers))
        for follower in self.followers:
            events = [received.event for received in follower.log]
            assert [event["seq"] for event in events] == list(range(1, len(self.titles) + 1))
            assert Counter(event["data"]["body"] for event in events) == Counter(self.titles)

    @property
    def connects(self) -> int:
        return sum(follower.connects for follower in self.followers)


@asynccontextmanager
async def crowd(folder: Path, database_url: str, redis_url: str, **settings: str) -> AsyncIterator[Crowd]:
    """Two workers with a crowd on them; in step, and the first post told."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True)) as http:
        tokens = await make_people(database_url, PEOPLE)
        settings = {"WORKERS": "2", "SOCKET_CONNECTIONS_PER_USER": "100", **settings}
        async with running(folder, database_url, redis_url, development=False, beside=(), **settings) as stack:
            people = Crowd(stack, tokens, http)
            await people.follow()
            tasks = [asyncio.create_task(follower.run()) for follower in people.followers]
            try:
                await people.all(lambda follower: follower.in_step)
                people.post()
                await people.told_everything()
                yield people
            finally:
                for task in tasks:
                    task.cancel()
                ended = await asyncio.gather(*tasks, return_exceptions=True)
            assert [end for end in ended if not isinstance(end, asyncio.CancelledError)] == []


def workers(stack: Stack) -> dict[int, psutil.Process]:
    """The processes that share the port, by number; the youngest where there are two of one."""
    found: dict[int, psutil.Process] = {}
    for child in sorted(psutil.Process(stack.server.pid).children(), key=psutil.Process.create_time):
        try:
            line = child.cmdline()
        except psutil.NoSuchProcess:  # it has ended meanwhile
            continue
        if "--worker" in line:
            found[int(line[line.index("--worker") + 1])] = child
    return found


async def health(stack: Stack, http: aiohttp.ClientSession) -> dict[str, Any]:
    """What ``/health`` says of the workers."""
    async with http.get(f"{stack.url}/health") as response:
        part: dict[str, Any] = (await response.json())["parts"]["workers"]
        return part


async def alive(stack: Stack, http: aiohttp.ClientSession, count: int) -> None:
    """Returns when a worker counts so many."""
    async with asyncio.timeout(ARRIVES):
        while not (await health(stack, http))["detail"].endswith(f" of 2; {count} alive"):
            await asyncio.sleep(0.1)


async def metrics(stack: Stack, http: aiohttp.ClientSession) -> dict[str, float]:
    """Every sample, as ``name{labels}``."""
    async with http.get(f"{stack.url}/metrics") as response:
        assert response.status == 200
        text = await response.text()
    return {
        found[1]: float(found[2])
        for line in text.splitlines()
        if (found := re.fullmatch(r"([^#]\S*(?:\{.*\})?) (\S+)", line))
    }
