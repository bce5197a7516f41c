"""The reconnect storm: everybody comes back at once, and is brought up to date.

Ours is the whole server (``run.py serve``) on PostgreSQL and Redis, which has never seen these people: each is
authenticated against a live session, is sent the unread, and asks with ``sync`` for what was missed. The peer's clients
connect and enter one room, no more: its storm is bare.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from benchmarks import wire
from benchmarks.client import Client, Door, LoadError
from benchmarks.load import Load
from benchmarks.sample import SETTLE, Sample
from benchmarks.subjects import PEERS, Cores, Subject, on_core, started
from mypick.accounts.models import Session, User
from mypick.accounts.tokens import Tokens
from mypick.clock import SystemClock
from mypick.db import open_database
from mypick.notifications.models import Inbox, Notice, Notification
from mypick.streams.models import Stream, StreamEvent
from tests.servers import PostgresServer, RedisServer

UNREAD = 3  # notifications in each inbox
SEEN = 1  # of them the client has; the others it missed
FIRST_USER = 1_000_000
AT_ONCE = 4_000  # connections under way: what the servers' backlog holds
WARM_UP = 200  # clients that come before the clock runs
PLENTY = "1000000/1s"
LOG_BYTES = 1 << 30  # of the database's log: all of it
_SPACE = b"/notifications,"
_STATEMENT = re.compile(rb"LOG:  (?:execute |statement: )")


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


@dataclass(frozen=True)
class Stage:
    """The servers behind ours, and the tokens of people who have something to catch up with."""

    postgres: PostgresServer
    subject: Subject
    tokens: Sequence[str]

    def queries(self) -> int:
        """Statements until now."""
        return len(_STATEMENT.findall(self.postgres.log(LOG_BYTES).encode()))


@contextlib.contextmanager
def stage(people: int, cores: Cores) -> Iterator[Stage]:
    with on_core(cores.load), contextlib.ExitStack() as stack:
        postgres = stack.enter_context(PostgresServer(options={"log_statement": "all"}))
        redis = stack.enter_context(RedisServer())
        url, secret = postgres.create_database("storm"), secrets.token_hex(32)
        # of its own: Tortoise remembers the statements of whatever database a process had before
        fill = [sys.executable, "-m", "benchmarks.storm", url, str(people)]
        subprocess.run(fill, cwd=PEERS.parent.parent, check=True)
        names = ("socket.handshake", "socket.connect", "socket.sync")
        environment = {
            "DATABASE_URL": url,
            "REDIS_URL": redis.url,
            "JWT_SECRET": secret,
            "JWT_REFRESH_SECRET": secrets.token_hex(32),
            "APP_ENV": "production",
            "APP_HOST": "127.0.0.1",
            "WORK_IN_SERVER": "no",
            "RATE_LIMITS": json.dumps(dict.fromkeys(names, PLENTY)),
        }
        tokens = Tokens(SystemClock(), access_secret=secret, refresh_secret=environment["JWT_REFRESH_SECRET"])
        yield Stage(
            postgres,
            Subject("ours", (sys.executable, "run.py", "serve", "--port", "0"), environment=environment),
            [
                tokens.issue_access(user_id=user_id, session_id=user_id, role="fan")
                for user_id in range(FIRST_USER, FIRST_USER + people)
            ],
        )


async def _populate(url: str, people: int) -> None:
    """Live sessions, and inboxes of which nothing has been read, as a fan-out would have left them."""
    now = datetime.now(UTC)
    ids = range(FIRST_USER, FIRST_USER + people)
    async with open_database(url) as database:
        await database.migrate()
        await User.bulk_create(
            [
                User(
                    id=i,
                    email=f"{i}@storm.invalid",
                    password_hash="",
                    display_name=f"{i}",
                    settings={},
                    created_at=now,
                )
                for i in ids
            ],
            batch_size=1_000,
        )
        await Session.bulk_create(
            [
                Session(
                    id=i,
                    user_id=i,
                    user_agent="",
                    address="127.0.0.1",
                    created_at=now,
                    last_used_at=now,
                    expires_at=now + timedelta(days=1),
                )
                for i in ids
            ],
            batch_size=1_000,
        )
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
            [
                Notification(id=event_id, notice_id=seq, user_id=i, seq=seq, created_at=now)
                for i, seq, event_id in told
            ],
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
