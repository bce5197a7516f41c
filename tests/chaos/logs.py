"""What processes write: waiting for a line, and judging all lines at the end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from signal import SIGKILL
from typing import Any

import orjson

LOOK_EVERY = 0.003  # seconds
CAUSE_LINES = 3  # of an exception: its name, and what PostgreSQL adds below it
LATE = timedelta(seconds=5)  # after an outage has ended: what waited for the old connections fails until then

# Words at the end of an exception that tell of a connection to a server that was away.
AWAY = (
    "Connection",  # of the standard library, redis-py, asyncpg and Tortoise
    "TimeoutError",
    "CannotConnectNow",
    "InterfaceError",
    "shutting down",
    "OSError",
    "StorageAway",
    "LinkError",
    "database is starting up",
    "recovery mode",
)

# What a supervisor says of a kill, which was ours: its workers drain. The last is told behind one of the others.
KILLED = (
    "a worker died",
    "a worker ended before it listened",
    "the rolling restart is given up: a new worker does not start, the old ones go on",
)


class Tail:
    """Follows one log file from its present end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = path.stat().st_size if path.exists() else 0

    async def wait_for(self, event: str, within: float, times: int = 1) -> bool:
        """Whether ``times`` lines of ``event`` came ``within`` seconds."""
        wanted = f'"event":"{event}"'.encode()
        try:
            async with asyncio.timeout(within):
                while times > 0:
                    times -= self._new().count(wanted)
                    if times > 0:
                        await asyncio.sleep(LOOK_EVERY)
        except TimeoutError:
            return False
        return True

    def _new(self) -> bytes:
        with self._path.open("rb") as log:
            log.seek(self._at)
            lines = log.read().rpartition(b"\n")
        self._at += len(lines[0]) + len(lines[1])
        return lines[0]


@dataclass(frozen=True, slots=True)
class Outage:
    """When a server was away (aware, UTC)."""

    began: datetime
    ended: datetime

    def covers(self, moment: datetime) -> bool:
        return self.began <= moment <= self.ended + LATE


def unexpected(paths: Sequence[Path], outages: Sequence[Outage]) -> list[str]:
    """Lines that should not be there: no JSON, or a failure that no outage explains. Each sort once, with its count."""
    found: Counter[str] = Counter()
    for path in paths:
        for text in path.read_bytes().splitlines():
            if wrong := _judge(text, outages):
                found[f"{path.stem}: {wrong}"] += 1
    return [f"{wrong} ({count} times)" for wrong, count in found.items()]


def _judge(text: bytes, outages: Sequence[Outage]) -> str | None:
    if not text.startswith(b"{"):
        return None if text.startswith(b"mypick: the database at DATABASE_URL") and outages else repr(text[:200])
    line: dict[str, Any] = orjson.loads(text)
    bad = line["level"] in ("error", "critical") or "exception" in line
    if not bad:
        return None
    if line["event"] in KILLED and line.get("status", -SIGKILL) == -SIGKILL:
        return None
    moment = datetime.fromisoformat(line["timestamp"])
    said = str(line.get("exception") or line.get("error") or "").strip().splitlines()
    cause = " ".join(said[-CAUSE_LINES:])
    if any(outage.covers(moment) for outage in outages) and any(word in cause for word in AWAY):
        return None
    return f"{line['level']} {line['event']!r}: {cause[:200]}"
