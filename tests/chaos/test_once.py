"""Commands whose node dies before it has answered are sent again with the same ``cid``, and happen once."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import orjson
import pytest

from tests.chaos import truth
from tests.e2e.stack import ROOT

SEED = 5
CLIENTS, COMMANDS = 20, 30  # of each client, one after the other
KILLS = 6
WITHIN = 60.0  # seconds for one command, two starts of a node included

_EVENTS = "SELECT seq, data FROM stream_event ORDER BY seq"  # there is one stream
_RECEIPTS = "SELECT cid, reply FROM receipt"


class Sender:
    """A node in a process of its own, which is started again after each kill."""

    def __init__(self, name: str, database_url: str) -> None:
        self._command = [sys.executable, "-m", "tests.chaos.sender", name, database_url]
        self._process: asyncio.subprocess.Process | None = None
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._ids = 0
        self._ready = asyncio.Event()
        self.answered = asyncio.Semaphore(0)
        self._keeper = asyncio.create_task(self._keep())

    async def ask(self, cid: str, text: str) -> dict[str, Any]:
        """``ConnectionError`` if the node dies first."""
        await self._ready.wait()
        assert self._process is not None
        assert self._process.stdin is not None
        self._ids += 1
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._asked[self._ids] = answer
        self._process.stdin.write(orjson.dumps({"id": self._ids, "cid": cid, "text": text}) + b"\n")
        return await answer

    async def kill(self) -> None:
        await self._ready.wait()
        assert self._process is not None
        self._ready.clear()
        self._process.kill()

    async def close(self) -> None:
        self._keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._keeper
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def _keep(self) -> None:
        while True:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
            )
            assert self._process.stdout is not None
            while line := await self._process.stdout.readline():
                told = orjson.loads(line)
                if "ready" in told:
                    self._ready.set()
                else:
                    self._asked.pop(told["id"]).set_result(told)
                    self.answered.release()
            self._ready.clear()
            for answer in self._asked.values():
                answer.set_exception(ConnectionError("its node died"))
            self._asked.clear()
            await self._process.wait()


@pytest.fixture
async def senders(postgres_url: str) -> AsyncIterator[list[Sender]]:
    opened = [Sender(name, postgres_url) for name in ("a", "b")]
    yield opened
    for sender in opened:
        await sender.close()


async def test_commands_sent_again_through_another_node_happen_once(postgres_url: str, senders: list[Sender]) -> None:
    replies: dict[str, list[dict[str, Any]]] = {}
    again = Counter[str]()

    async def client(number: int) -> None:
        rng = Random(f"{SEED}:{number}")
        for turn in range(COMMANDS):
            cid = f"{number}-{turn}"
            told = replies[cid] = []
            async with asyncio.timeout(WITHIN):
                while not told:
                    # impatient ones ask both at once, ten times in all
                    chosen = senders * 5 if rng.random() < 0.05 else [rng.choice(senders)]
                    asked = [sender.ask(cid, f"say {cid}") for sender in chosen]
                    for answer in await asyncio.gather(*asked, return_exceptions=True):
                        if isinstance(answer, ConnectionError):
                            again["died"] += 1
                        else:
                            assert not isinstance(answer, BaseException)
                            again["duplicates"] += answer["duplicate"]
                            told.append(answer["reply"])

    async def killer() -> None:
        rng = Random(SEED)
        for number in range(KILLS):
            victim = senders[number % 2]
            for _ in range(rng.randrange(10, 60)):
                await victim.answered.acquire()
            await victim.kill()

    async with asyncio.TaskGroup() as load:
        load.create_task(killer())
        for number in range(CLIENTS):
            load.create_task(client(number))

    events, receipts = await truth.rows(postgres_url, _EVENTS, _RECEIPTS)
    assert Counter(truth.decoded(data)["text"] for _, data in events) == Counter(f"say {cid}" for cid in replies)
    assert [seq for seq, _ in events] == list(range(1, CLIENTS * COMMANDS + 1))
    kept = {cid: truth.decoded(reply) for cid, reply in receipts}
    assert kept == {cid: told[0] for cid, told in replies.items()}
    assert all(reply == told[0] for told in replies.values() for reply in told)
    assert again["died"] > 0
    assert again["duplicates"] > 0
