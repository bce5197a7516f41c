"""The whole server, as in production, on PostgreSQL and Redis, with people in its database."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from benchmarks.subjects import PEERS, Cores, Subject, on_core
from mypick.accounts.models import Session, User
from mypick.accounts.tokens import Tokens
from mypick.clock import SystemClock
from tests.servers import PostgresServer, RedisServer

FIRST_USER = 1_000_000
PLENTY = "1000000/1s"
LOG_BYTES = 1 << 30  # of the database's log: all of it
_STATEMENT = re.compile(rb"LOG:  (?:execute |statement: )")


@dataclass(frozen=True)
class Stage:
    """The servers behind ours, and the tokens of people whom it has never seen."""

    postgres: PostgresServer
    subject: Subject
    tokens: Sequence[str]

    def queries(self) -> int:
        """Statements until now."""
        return len(_STATEMENT.findall(self.postgres.log(LOG_BYTES).encode()))


@contextlib.contextmanager
def production(
    filler: str, people: int, cores: Cores, unlimited: Sequence[str], *, logs_statements: bool = False
) -> Iterator[Stage]:
    """``filler`` is the module that fills a database: it is run with its address and ``people``. ``unlimited`` are the
    names of the limits that a load must not meet; ``logs_statements`` for ``Stage.queries``."""
    with on_core(cores.load), contextlib.ExitStack() as stack:
        postgres = stack.enter_context(PostgresServer(options={"log_statement": "all"} if logs_statements else {}))
        redis = stack.enter_context(RedisServer())
        url, secret = postgres.create_database("bench"), secrets.token_hex(32)
        # of its own: Tortoise remembers the statements of whatever database a process had before
        subprocess.run([sys.executable, "-m", filler, url, str(people)], cwd=PEERS.parent.parent, check=True)
        environment = {
            "DATABASE_URL": url,
            "REDIS_URL": redis.url,
            "JWT_SECRET": secret,
            "JWT_REFRESH_SECRET": secrets.token_hex(32),
            "APP_ENV": "production",
            "APP_HOST": "127.0.0.1",
            "WORK_IN_SERVER": "no",
            "SOCKET_PING_INTERVAL": "300",  # a load that comes in for a minute answers no ping meanwhile
            "RATE_LIMITS": json.dumps(dict.fromkeys(unlimited, PLENTY)),
        }
        tokens = Tokens(SystemClock(), access_secret=secret, refresh_secret=environment["JWT_REFRESH_SECRET"])
        yield Stage(
            postgres,
            Subject("ours", (sys.executable, "run.py", "serve", "--port", "0"), environment=environment),
            [tokens.issue_access(user_id=i, session_id=i, role="fan") for i in ids_of(people)],
        )


def ids_of(people: int) -> range:
    """Of users and of their sessions."""
    return range(FIRST_USER, FIRST_USER + people)


async def bring_in(ids: Sequence[int], now: datetime) -> None:
    """People with a live session each."""
    await User.bulk_create(
        [
            User(id=i, email=f"{i}@bench.invalid", password_hash="", display_name=f"{i}", settings={}, created_at=now)
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
