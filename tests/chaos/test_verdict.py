"""The judge must see what is wrong: a judge that never finds anything proves nothing."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from mypick.clock import SystemClock
from mypick.db import Database
from mypick.notifications.models import Inbox, Notice, Notification
from mypick.streams.models import Stream, StreamEvent
from tests.chaos.client import Follower, Received
from tests.chaos.logs import Outage, unexpected
from tests.chaos.verdict import Judged, judge

POSTS = ["one", "two", "three"]
USER = 1


@pytest.fixture
async def follower(sqlite_database: Database) -> Follower:
    """Who has seen all three, as the database has them."""
    now = SystemClock().now()
    stream = await Stream.create(key=f"inbox:{USER}", epoch="e", head_seq=3)
    client = Follower((), USER, "", aiohttp.ClientSession.__new__(aiohttp.ClientSession), random.Random(1))
    for seq, title in enumerate(POSTS, 1):
        fields: dict[str, Any] = {
            "kind": "new-video", "title": "t", "body": title, "url": "u", "image_url": None,
            "creator_id": 1, "content_id": seq,
        }  # fmt: skip
        await Notice.create(id=seq, dedupe_key=title, created_at=now, **fields)
        await StreamEvent.create(
            id=10 + seq, stream_id=stream.id, seq=seq, type="new-notification", ref=seq, at=now,
            data={"unread_count": seq},
        )  # fmt: skip
        await Notification.create(id=10 + seq, notice_id=seq, user_id=USER, seq=seq, created_at=now)
        event = {
            "type": "new-notification", "stream": stream.key, "epoch": "e", "seq": seq, "id": 10 + seq,
            "at": now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z",
            "data": {**fields, "unread_count": seq},
        }  # fmt: skip
        client.log.append(Received(event, 0.0))
        client.last = seq
    await Inbox.create(user_id=USER, unread_count=3)
    return client


@pytest.fixture
def url(sqlite_url: str) -> str:
    """The same database, with the content rows that a poll would have kept."""
    path = sqlite_url.removeprefix("sqlite://")
    with closing(sqlite3.connect(path)) as connection, connection:
        columns = [row[1:4] for row in connection.execute("PRAGMA table_info(content)")]
        for number, title in enumerate(POSTS, 1):
            values = {name: 0 if "INT" in kind.upper() else "x" for name, kind, needed in columns if needed}
            values |= {"id": number, "title": title, "external_id": title}
            names = ", ".join(values)
            marks = ", ".join("?" * len(values))
            connection.execute(f"INSERT INTO content ({names}) VALUES ({marks})", tuple(values.values()))
    return sqlite_url


async def verdict(url: str, client: Follower) -> Judged:
    return await judge(url, [client], POSTS, {title: [USER] for title in POSTS})


async def test_a_log_that_equals_the_database_is_right(url: str, follower: Follower) -> None:
    judged = await verdict(url, follower)
    assert judged == Judged(compared=3, lost=0, doubled=0, reordered=0, problems=())


async def test_lost_doubled_reordered_and_altered_events_are_seen(url: str, follower: Follower) -> None:
    first, second, third = follower.log

    follower.log[:] = [first, third]
    assert (await verdict(url, follower)).lost == 1
    follower.log[:] = [first, second, second, third]
    assert (await verdict(url, follower)).doubled == 1
    follower.log[:] = [second, first, third]
    assert (await verdict(url, follower)).reordered == 1
    altered = orjson.loads(orjson.dumps(second.event))
    altered["data"]["unread_count"] = 99
    follower.log[:] = [first, Received(altered, 0.0), third]
    assert "not as in the database [2]" in (await verdict(url, follower)).problems[0]


@pytest.mark.parametrize(
    ("harm", "sort"),
    [
        ("DELETE FROM notification WHERE seq = 2", "notifications"),
        ("DELETE FROM notification WHERE seq = 2", "rows"),
        ("UPDATE stream SET head_seq = 4", "streams"),
        ("UPDATE inbox SET unread_count = 2", "counters"),
        ("UPDATE notice SET body = 'one' WHERE body = 'two'", "notices"),
        ("DELETE FROM content WHERE title = 'two'", "posts"),
    ],
)
async def test_a_database_that_is_not_what_was_published_is_seen(
    url: str, follower: Follower, harm: str, sort: str
) -> None:
    with closing(sqlite3.connect(url.removeprefix("sqlite://"))) as connection, connection:
        connection.execute(harm)
    judged = await verdict(url, follower)
    assert [problem for problem in judged.problems if problem.startswith(f"{sort}:")]


async def test_a_read_that_was_confirmed_and_is_gone_is_seen(url: str, follower: Follower) -> None:
    follower.read_upto = 1
    judged = await verdict(url, follower)
    assert judged.problems == ("reads: user 1 was told that 1 is read, and it is not",)


def test_a_failure_in_a_log_is_unexpected_unless_an_outage_explains_it(tmp_path: Path) -> None:
    began = datetime(2026, 1, 1, tzinfo=UTC)
    outage = Outage(began, began + timedelta(seconds=1))
    log = tmp_path / "server.log"

    def written(error: str, at: datetime, level: str = "error") -> list[str]:
        line = {"event": "it failed", "level": level, "timestamp": at.isoformat(), "exception": error}
        log.write_bytes(orjson.dumps(line) + b"\n")
        return unexpected([log], [outage])

    refused = "Traceback\nConnectionRefusedError: [Errno 111]"
    assert written(refused, began) == []
    assert written(refused, began + timedelta(seconds=2)) == []
    assert written(refused, began + timedelta(minutes=1)) != []
    assert written("Traceback\nKeyError: 'x'", began) != []
    log.write_bytes(b"Task exception was never retrieved\n")
    assert unexpected([log], [outage]) != []
