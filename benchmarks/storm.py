"""The reconnect storm: everybody comes back at once, and is brought up to date.

Ours is the whole server (``run.py serve``) on PostgreSQL and Redis, which has never seen these people: each is
authenticated against a live session, is sent the unread, and asks with ``sync`` for what was missed. The peer's clients
connect and enter one room, no more: its storm is bare.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Self

from benchmarks import wire
from benchmarks.client import Client, Door, LoadError
from benchmarks.load import Load
from benchmarks.sample import SETTLE, Sample
from benchmarks.stage import Stage, bring_in, ids_of, production
from benchmarks.subjects import Cores, Subject, on_core, started
from mypick.db import open_database
from mypick.notifications.models import Inbox, Notice, Notification
from mypick.streams.models import Stream, StreamEvent

UNREAD = 3  # notifications in each inbox
SEEN = 1  # of them the client has; the others it missed
AT_ONCE = 4_000  # connections under way: what the servers' backlog holds
WARM_UP = 200  # clients that come before the clock runs
_SPACE = b"/notifications,"


@dataclass(frozen=True)
class Stormed:
    """A storm: what it cost for each client, and how long until the last one was up to date."""

    expected: int
    received: int
    disordered: int
    cpu_us: float
    rate: float
    p50_ms: float
    p99_ms: float
    load_bound: bool
    queries: float  # statements of the database for each client

    @classmethod
    def of(cls, sample: Sample, queries: int) -> Self:
        return cls(**asdict(sample), queries=queries / max(1, sample.received))

    @property
    def exact(self) -> bool:
        return self.received == self.expected and self.disordered == 0


class Returning(Load):
    """Clients who show a token each and, once they are in, ask for what they have missed."""

    def __init__(self, port: int, tokens: Sequence[str]) -> None:
        super().__init__(port, Door(namespace="/notifications"))
        self._frames = iter(
            [wire.client_frame(b"40" + _SPACE + json.dumps({"token": token}).encode()) for token in tokens]
        )
        self.incomplete = 0

    def _opened(self, client: Client, packet: bytes) -> None:
        if not packet.startswith(b"0{"):
            raise LoadError(f"expected the Engine.IO handshake, got {packet[:60]!r}")
        client.feed = self._entered
        self._send(client, next(self._frames))

    def _entered(self, client: Client, packet: bytes) -> None:
        if not packet.startswith(b"40" + _SPACE):
            raise LoadError(f"the namespace answered {packet[:120]!r}")
        client.feed = self._told

    def _told(self, client: Client, packet: bytes) -> None:
        name, unread = json.loads(packet.removeprefix(b"42" + _SPACE))
        if name != "unread-notifications" or unread["unread_count"] != UNREAD:
            raise LoadError(f"the first event is {packet[:120]!r}")
        question = {"stream": unread["stream"], "epoch": unread["epoch"], "after_seq": SEEN, "limit": 200}
        client.feed = self._synced
        self._send(client, wire.client_frame(b"42" + _SPACE + b"0" + json.dumps(["sync", question]).encode()))

    def _synced(self, client: Client, packet: bytes) -> None:
        answer = json.loads(packet.removeprefix(b"43" + _SPACE + b"0"))[0]
        if not answer["ok"] or [event["seq"] for event in answer["data"]["events"]] != [*range(SEEN + 1, UNREAD + 1)]:
            raise LoadError(f"sync was answered {packet[:200]!r}")
        self._welcomed(client)


@contextlib.contextmanager
def stage(people: int, cores: Cores) -> Iterator[Stage]:
    unlimited = ("socket.handshake", "socket.connect", "socket.sync")
    with production("benchmarks.storm", people, cores, unlimited, logs_statements=True) as ready:
        yield ready


async def _populate(url: str, people: int) -> None:
    """Live sessions, and inboxes of which nothing has been read, as a fan-out would have left them."""
    now = datetime.now(UTC)
    ids = ids_of(people)
    async with open_database(url) as database:
        await database.migrate()
        await bring_in(ids, now)
        await Notice.bulk_create(
            [
                Notice(
                    id=seq,
                    dedupe_key=f"storm:{seq}",
                    kind="new-video",
                    title="A channel that many follow",
                    body=f"The video number {seq} of this season, with a title of a usual length",
                    url=f"https://video.invalid/watch?v={seq}",
                    created_at=now,
                )
                for seq in range(1, UNREAD + 1)
            ]
        )
        await Stream.bulk_create(
            [Stream(id=i, key=f"inbox:{i}", epoch="storm", head_seq=UNREAD) for i in ids], batch_size=1_000
        )
        await Inbox.bulk_create([Inbox(user_id=i, unread_count=UNREAD) for i in ids], batch_size=1_000)
        told = [(i, seq, i * 10 + seq) for i in ids for seq in range(1, UNREAD + 1)]
        await StreamEvent.bulk_create(
            [
                StreamEvent(
                    id=event_id,
                    stream_id=i,
                    seq=seq,
                    type="new-notification",
                    ref=seq,
                    at=now,
                    data={"unread_count": seq},
                )
                for i, seq, event_id in told
            ],
            batch_size=1_000,
        )
        await Notification.bulk_create(
            [Notification(id=event_id, notice_id=seq, user_id=i, seq=seq, created_at=now) for i, seq, event_id in told],
            batch_size=1_000,
        )


def measure_ours(stage: Stage, cores: Cores, clients: int) -> Stormed:
    """Raises ``LoadError`` where a client is not brought up to date."""
    with (
        started(stage.subject, cores.server) as server,
        on_core(cores.load),
        Returning(server.port, stage.tokens) as load,
    ):
        load.connect(WARM_UP)
        load.idle(SETTLE)
        asked, before = stage.queries(), server.cpu()
        phase = load.connect(clients, at_once=AT_ONCE)
        cpu = server.cpu() - before
        time.sleep(SETTLE)
        return Stormed.of(Sample.of(phase, cpu), stage.queries() - asked)


def measure_bare(subject: Subject, cores: Cores, clients: int) -> Stormed:
    with started(subject, cores.server) as server, on_core(cores.load), Load(server.port, subject.door) as load:
        load.connect(WARM_UP)
        load.idle(SETTLE)
        before = server.cpu()
        phase = load.connect(clients, at_once=AT_ONCE)
        return Stormed.of(Sample.of(phase, server.cpu() - before), 0)


if __name__ == "__main__":
    asyncio.run(_populate(sys.argv[1], int(sys.argv[2])))
