"""Followers who also talk in a room, over the client library that the server gives out, under Node.js."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import aiohttp
import orjson

from tests.chaos.client import Follower, Received
from tests.e2e.stack import PASSWORD
from tests.installed import NODE

_TALKERS = Path(__file__).parent / "talkers.mjs"


class Talker(Follower):
    """The library keeps the tokens, the connection and the position; here is only what it tells. Without a ``room`` it
    listens to its inbox alone.

    ``heard`` is what it applied of the room, ``said`` the texts of its own that the server has confirmed, ``failed``
    the codes of what it could not say, and how often it lost its session.
    """

    def __init__(self, url: str, user_id: int, email: str, room: int | None, http: aiohttp.ClientSession) -> None:
        super().__init__([url], user_id, "", http, Random(user_id))
        self.email = email
        self.room = room
        self.heard: list[dict[str, Any]] = []
        self.said: dict[str, int] = {}
        self.failed: Counter[str] = Counter()
        self.waiting = 0  # commands without an answer
        self.opened = asyncio.Event()
        self._settled = asyncio.Event()
        self._group: Talkers | None = None

    async def open(self, group: Talkers) -> None:
        self._group = group
        group.members[self.user_id] = self
        group.order(
            "open", self.user_id, url=self._addresses[0], email=self.email, password=PASSWORD, room=self.room
        )
        await self.opened.wait()

    def say(self, text: str) -> None:
        self.waiting += 1
        self._order("say", text=text)

    def drop(self) -> None:
        self._order("drop")

    async def ask_for_more(self) -> None:
        self._settled.clear()
        self._order("settle")
        await self._settled.wait()

    def _order(self, what: str, **told: Any) -> None:
        assert self._group is not None
        self._group.order(what, self.user_id, **told)

    def hear(self, told: dict[str, Any]) -> None:
        """What the process tells of this one."""
        if "inbox" in told:
            self.log.append(Received(told["inbox"], monotonic()))
            self.last = told["inbox"]["seq"]
        elif "room" in told:
            self.heard.append(told["room"])
        elif "said" in told:
            self.waiting -= 1
            self.said[told["said"]] = told["seq"]
        elif "state" in told:
            self.in_step = told["state"] == "online"
            self.connects += self.in_step
            if told["state"] == "signed-out":
                self.failed["signed out"] += 1
        elif "reset" in told:
            self.resets += bool(self.log)
        elif "open" in told:
            self.opened.set()
        elif "settled" in told:
            self._settled.set()
        elif "failed" in told:
            self.waiting -= told["failed"] == "say"
            self.failed[f"{told['failed']}: {told.get('code')} {told['message']}"] += 1
        self._changed.set()


class Talkers:
    """The process in which they all live."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._input, self._output = process.stdin, process.stdout
        self.members: dict[int, Talker] = {}

    def order(self, what: str, member: int, **told: Any) -> None:
        self._input.write(orjson.dumps({"what": what, "id": member, **told}) + b"\n")

    async def listen(self) -> None:
        while line := await self._output.readline():
            told = orjson.loads(line)
            self.members[told["id"]].hear(told)


@contextlib.asynccontextmanager
async def talkers() -> AsyncIterator[Talkers]:
    assert NODE
    process = await asyncio.create_subprocess_exec(
        NODE, str(_TALKERS), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**22
    )
    group = Talkers(process)
    listening = asyncio.create_task(group.listen())
    try:
        yield group
    finally:
        process.kill()
        await process.wait()
        await listening
