"""The processes that share one port, as each of them sees the others.

Each answers on a Unix socket in a folder of their own, so that whichever is asked from outside can tell of all. What a
process has told of its counters it writes into that folder first: should it die, the sums never fall behind what
somebody has read, which Prometheus would take for a restart of everything.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import structlog
from prometheus_client.registry import Collector

from mypick.operations.counts import Counts, folded, snapshot
from mypick.operations.health import Finding

log = structlog.get_logger(__name__)

ASK_TIMEOUT = 0.5  # seconds; below the second that a part has for its health
LARGEST = 16 * 1024 * 1024  # bytes of an answer
ALIVE, COUNTS = b"alive\n", b"counts\n"  # what is asked
GONE = "gone"  # the file of those that have ended

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Which of the processes this one is."""

    number: int  # from 1
    count: int
    folder: Path  # private to this server, and short: a Unix socket's path has at most 107 bytes


class Siblings:
    """This process among its siblings."""

    def __init__(self, place: Place, registry: Collector, serving: Callable[[], bool]) -> None:
        """``serving`` says whether this process takes clients."""
        self.place = place
        self._registry = registry
        self._serving = serving
        self._started = time.time()
        self._name = _name(place.number, os.getpid())
        self._telling = asyncio.Lock()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """From now on answer the others."""
        self._server = await asyncio.start_unix_server(self._answer, self.place.folder / f"{self._name}.sock")

    async def close(self) -> None:
        """Leave the last counts and go."""
        if self._server is not None:
            self._server.close()
            self._server = None
            await self._counts()

    async def metrics(self) -> Collector:
        """Those of all processes. Who does not answer is named, by ``mypick_worker_up``; its counts are those that it
        told last."""
        own = orjson.loads(await self._counts())
        answers = {self._name: own, **await self._ask_others(COUNTS)}
        return await asyncio.to_thread(self._together, answers)  # 1 ms for each: more than the loop should wait

    def _together(self, answers: dict[str, Answer]) -> Counts:
        last = self._last_told(answers)
        counts = Counts()
        for name, told in sorted(answers.items(), key=lambda answer: float(answer[1]["started"])):
            if name not in last[GONE]["folded"]:
                counts.add(told)
        for told in last.values():
            counts.add(told, gauges=False)
        counts.up(self.place.count, {told["number"] for told in answers.values()})
        return counts

    async def check(self) -> Finding:
        """Degraded while one of the processes does not serve."""
        answers = {self._name: self._state(), **await self._ask_others(ALIVE)}
        alive = len({state["number"] for state in answers.values() if state["serving"]})
        text = f"worker {self.place.number} of {self.place.count}; {alive} alive"
        return Finding("up" if alive == self.place.count else "degraded", text)

    def _state(self) -> Answer:
        return {"number": self.place.number, "serving": self._serving()}

    async def _counts(self) -> bytes:
        """What this process has counted, after it was written down."""
        async with self._telling:
            told = snapshot(self._registry, self.place.number, self._started)
            await asyncio.to_thread(_write, self.place.folder / f"{self._name}.json", told)
            return told

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(2 * ASK_TIMEOUT):
                asked = await reader.readline()
                writer.write(orjson.dumps(self._state()) if asked == ALIVE else await self._counts())
                await writer.drain()
        writer.close()

    async def _ask_others(self, question: bytes) -> dict[str, Answer]:
        """The answers by name, of those that answer in time."""
        names = await asyncio.to_thread(lambda: {path.stem for path in self.place.folder.glob("*.sock")})
        others = sorted(names - {self._name})
        answers = await asyncio.gather(*(_ask(self.place.folder, name, question) for name in others))
        return {name: answer for name, answer in zip(others, answers, strict=True) if answer is not None}

    def _last_told(self, answered: Collection[str]) -> dict[str, Answer]:
        """By name, of those that do not answer, and together of those that have ended. The latter are read last: what
        was not found before has been added to them by then."""
        found = {
            path.stem: told
            for path in self.place.folder.glob("*.json")
            if path.stem != GONE and path.stem not in answered and (told := _read(path))
        }
        gone = _read(self.place.folder / f"{GONE}.json") or {"number": 0, "families": [], "folded": []}
        return {**{name: told for name, told in found.items() if name not in gone["folded"]}, GONE: gone}


async def answers(folder: Path, number: int, pid: int) -> bool:
    """Whether the loop of a process runs."""
    return await _ask(folder, _name(number, pid), ALIVE) is not None


async def _ask(folder: Path, name: str, question: bytes) -> Answer | None:
    writer = None
    try:
        async with asyncio.timeout(ASK_TIMEOUT):
            reader, writer = await asyncio.open_unix_connection(folder / f"{name}.sock", limit=LARGEST)
            writer.write(question)
            answer: Answer = orjson.loads(await reader.read(LARGEST))
            return answer
    except (TimeoutError, OSError, orjson.JSONDecodeError) as failure:
        log.info("a sibling does not answer", sibling=name, error=type(failure).__name__)
        return None
    finally:
        if writer is not None:
            writer.close()


def bury(folder: Path, number: int, pid: int) -> None:
    """Keep the counts of a process that has ended, and nothing else of it."""
    name = _name(number, pid)
    (folder / f"{name}.sock").unlink(missing_ok=True)
    path, gone = folder / f"{name}.json", folder / f"{GONE}.json"
    if last := _read(path):
        _write(gone, folded(_read(gone), name, last))
        path.unlink()


def _name(number: int, pid: int) -> str:
    return f"{number}-{pid}"


def _write(path: Path, document: bytes) -> None:
    draft = path.with_suffix(".new")
    draft.write_bytes(document)
    draft.replace(path)


def _read(path: Path) -> Answer | None:
    try:
        told: Answer = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    return told
