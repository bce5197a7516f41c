"""One history for every dialect: up, down, up again, with rows in it, and never apart from the models."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tortoise import Tortoise
from tortoise.migrations.autodetector import MigrationAutodetector

from mypick import db
from mypick.community.models import ModerationEntry
from mypick.creators.models import Creator
from mypick.db import Database, open_database
from mypick.ids import Ids
from mypick.notifications.models import Notification
from mypick.streams.models import StreamEvent
from tests.fakes import FakeClock
from tests.notifications.stage import Node, assert_inboxes_are_whole, creator_with, person
from tests.servers import PostgresServer

ROOT = Path(__file__).resolve().parents[1]
WITHIN = 60.0  # seconds that a process has


def run(arguments: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """One ``python run.py …`` to its end."""
    return subprocess.run(
        [sys.executable, str(ROOT / "run.py"), *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=WITHIN,
    )


async def tables() -> set[str]:
    query = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        "postgres": "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
        "mysql": "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()",
    }[db.dialect()]
    return {row["name"] for row in await db.connection().execute_query_dict(query)}


async def test_history_goes_up_down_and_up_again_on_an_empty_database(database: Database) -> None:
    before = await tables()
    assert await database.pending_migrations() == []
    assert await database.migrate("__first__")
    assert await tables() - {"tortoise_migrations"} == set()
    assert await database.pending_migrations() != []
    assert await database.migrate()
    assert await tables() == before
    assert await database.pending_migrations() == []
    assert (await Ids().take()).start == 1


async def test_history_goes_down_and_up_again_on_a_database_in_use(database: Database, clock: FakeClock) -> None:
    node = Node("a", clock)
    await node.announce(await creator_with(clock, [1, 2]), "hello")
    await node.carry_all()
    assert await Notification.all().count() == await StreamEvent.all().count() == 2
    await database.migrate("__first__")
    await database.migrate()
    assert await Creator.all().count() == await Notification.all().count() == 0
    fresh = Node("b", clock)
    await fresh.announce(await creator_with(clock, [1, 2]), "hello")
    await fresh.carry_all()
    assert (await fresh.notifications.unread(person(1))).unread_count == 1
    await assert_inboxes_are_whole()


async def test_migrating_twice_does_nothing_and_keeps_the_rows(database: Database, clock: FakeClock) -> None:
    creator = await creator_with(clock, [1])
    assert await database.migrate() == []
    assert (await Creator.get()).id == creator


async def test_models_and_history_say_the_same(sqlite_database: Database, sqlite_url: str) -> None:
    """Whoever changes a model has to write the migration that brings the databases along."""
    apps: dict[str, dict[str, Any]] = db.tortoise_config(sqlite_url)["apps"]
    assert Tortoise.apps is not None
    changes = await MigrationAutodetector(Tortoise.apps, apps).changes()
    assert [(change.name, change.operations) for change in changes] == []


async def test_tables_have_the_rules_that_promises_rest_on(database: Database) -> None:
    """Without these unique rules exactly-once is a hope. Asked of the database itself, not of the models."""
    wanted = {
        "notification": {"notice_id,user_id", "user_id,seq"},
        "content": {"platform,external_id"},
        "channel": {"platform,external_id"},
        "subscription": {"user_id,creator_id"},
        "notice": {"dedupe_key"},
        "job": {"dedupe_key"},
        "stream": {"key"},
        "stream_event": {"stream_id,seq"},
        "receipt": {"actor_id,cid"},
        "community": {"creator_id"},
        "message": {"room_id,seq"},
        "message_revision": {"message_id,rev"},
        "reaction": {"message_id,emoji,user_id"},
        "pin": {"message_id"},
        "report": {"message_id,reporter_id"},
        "membership": {"community_id,user_id"},
        "sanction": {"community_id,user_id,kind"},
        "read_marker": {"user_id,room_id"},
        "party_attendance": {"party_id,user_id"},
        "party_queue_item": {"party_id,content_id"},
        "party_queue_vote": {"item_id,user_id"},
        "party_message": {"party_id,seq"},
        "room_pace": {"room_id,user_id"},
        "term": {"community_id,norm"},
    }
    for table, rules in wanted.items():
        assert rules <= await unique_rules(table), table


async def unique_rules(table: str) -> set[str]:
    ask = db.connection().execute_query_dict
    if db.dialect() == "sqlite":
        found = set()
        for index in await ask(f'PRAGMA index_list("{table}")'):
            if index["unique"]:
                columns = await ask(f'PRAGMA index_info("{index["name"]}")')
                found.add(",".join(column["name"] for column in sorted(columns, key=lambda column: column["seqno"])))
        return found
    if db.dialect() == "postgres":
        rows = await ask(
            "SELECT (SELECT string_agg(a.attname, ',' ORDER BY array_position(i.indkey::int[], a.attnum::int)) "
            "FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)) AS columns "
            f"FROM pg_index i WHERE i.indisunique AND i.indrelid = '{table}'::regclass"
        )
    else:
        rows = await ask(
            "SELECT GROUP_CONCAT(column_name ORDER BY seq_in_index) AS columns FROM information_schema.statistics "
            f"WHERE table_schema = DATABASE() AND table_name = '{table}' AND non_unique = 0 GROUP BY index_name"
        )
    return {row["columns"] for row in rows}


async def test_moderation_log_cannot_be_changed(database: Database, clock: FakeClock) -> None:
    """Not by the code, nor by who has only the database: MySQL, where triggers need more rights, is the exception."""
    await ModerationEntry.create(id=1, community_id=1, actor_id=1, action="ban", details={}, at=clock.now())
    if db.dialect() == "mysql":
        return
    for change in ("UPDATE moderation_log SET actor_id = 2", "DELETE FROM moderation_log"):
        with pytest.raises(Exception, match="cannot be changed"):
            await db.connection().execute_query(change)
    assert (await ModerationEntry.get()).actor_id == 1


async def test_ids_that_differ_by_case_are_two(database: Database, clock: FakeClock) -> None:
    """MySQL's own rule of comparing would make one video of two."""
    node = Node("a", clock)
    creator = await creator_with(clock, [1])
    await node.announce(creator, "dQw4w9WgXcQ")
    await node.announce(creator, "dqw4w9wgxcq")
    assert await node.carry_all() == 2


def test_server_database_that_is_not_migrated_is_refused_with_the_command_to_run(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    name = "not_migrated"
    url = postgres_server.create_database(name)
    try:
        refused = run(["serve", "--port", "0"], tmp_path, DATABASE_URL=url)
        assert refused.returncode == 2
        (line,) = refused.stderr.splitlines()
        assert "python run.py migrate" in line
        assert "0001_spine" in line
        migrated = run(["migrate"], tmp_path, DATABASE_URL=url)
        assert (migrated.returncode, migrated.stdout.split()[0]) == (0, "0001_spine")
        again = run(["migrate"], tmp_path, DATABASE_URL=url)
        assert (again.returncode, "nothing to do" in again.stdout) == (0, True)
    finally:
        postgres_server.drop_database(name)


def test_embedded_database_is_migrated_by_whoever_opens_it(tmp_path: Path) -> None:
    path = tmp_path / "deeper" / "mypick.sqlite3"
    opened = run(["jobs"], tmp_path, DATABASE_URL=f"sqlite://{path}")
    assert opened.returncode == 0, opened.stderr
    with sqlite3.connect(path) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    assert {"user", "stream", "job", "notification"} <= names


async def test_unreachable_database_is_told_in_one_sentence() -> None:
    with pytest.raises(db.DatabaseUnavailable, match="does not answer"):
        async with open_database("postgres://postgres@127.0.0.1:1/nobody"):
            pass
    with pytest.raises(db.DatabaseUnavailable, match="must begin with"):
        async with open_database("oracle://nobody"):
            pass
