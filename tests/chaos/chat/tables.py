"""What a round of chat left in the database."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from mypick.clock import to_wire
from tests.chaos import truth

_STREAMS = "SELECT id, key, epoch, head_seq, floor_seq FROM stream WHERE key LIKE 'room:%'"
_EVENTS = "SELECT stream_id, seq, id, type, ref, actor_id, at, data FROM stream_event ORDER BY stream_id, seq"
_MESSAGES = (
    "SELECT id, room_id, seq, author_id, text, rev, deleted_at FROM message ORDER BY room_id, seq"
)
_REACTIONS = "SELECT message_id, emoji, user_id FROM reaction"
_PINS = "SELECT message_id FROM pin"
_HELD = "SELECT id, author_id, status, text FROM held_message"
_BANS = "SELECT user_id FROM sanction WHERE kind = 'ban'"
_LOG = "SELECT actor_id, action, user_id, message_id FROM moderation_log"
_ROOMS = "SELECT id, slow_seconds, members_only, follow_minutes, locked, unique_text, previews FROM room"
_PURGES = "SELECT id, user_id, actor_id, room_id, finished_at FROM purge"
_JOBS = "SELECT kind, state, last_error FROM job WHERE state = 'dead' OR (state = 'due' AND kind LIKE 'community.%')"
_REVISIONS = "SELECT message_id, text FROM message_revision"
_MODE = ("slow_seconds", "members_only", "follow_minutes", "locked", "unique_text", "previews")

Row = dict[str, Any]


@dataclass(slots=True)
class Tables:
    events: list[Row] = field(default_factory=list)
    by_room: dict[int, list[Row]] = field(default_factory=lambda: defaultdict(list))
    heads: dict[int, Row] = field(default_factory=dict)
    messages: dict[int, Row] = field(default_factory=dict)
    reactions: set[tuple[int, str, int]] = field(default_factory=set)
    pins: set[int] = field(default_factory=set)
    held: dict[int, Row] = field(default_factory=dict)
    bans: set[int] = field(default_factory=set)
    log: list[tuple[Any, ...]] = field(default_factory=list)
    modes: dict[int, Row] = field(default_factory=dict)
    purges: list[Row] = field(default_factory=list)
    jobs: list[tuple[Any, ...]] = field(default_factory=list)
    revisions: list[tuple[Any, ...]] = field(default_factory=list)


async def read_tables(database_url: str) -> Tables:
    """All of it as it is at one moment, with plain SQL."""
    streams, events, messages, reactions, pins, held, bans, log, rooms, purges, jobs, revisions = await truth.rows(
        *(database_url, _STREAMS, _EVENTS, _MESSAGES, _REACTIONS, _PINS, _HELD),
        *(_BANS, _LOG, _ROOMS, _PURGES, _JOBS, _REVISIONS),
    )
    tables = Tables(log=log, jobs=jobs, revisions=revisions)
    room_of = {row[0]: int(row[1].partition(":")[2]) for row in streams}
    for row in streams:
        tables.heads[room_of[row[0]]] = dict(zip(("epoch", "head", "floor"), row[2:], strict=True))
    for stream_id, seq, event_id, kind, ref, actor, at, data in events:
        if stream_id in room_of:
            room = room_of[stream_id]
            event = {
                "room": room, "seq": seq, "id": event_id, "type": kind, "ref": ref, "actor": actor,
                "at": to_wire(truth.moment(at)), "data": truth.decoded(data),
            }
            tables.events.append(event)
            tables.by_room[room].append(event)
    for message_id, room, seq, author, text, rev, deleted in messages:
        tables.messages[message_id] = {
            "room": room, "seq": seq, "author": author, "text": text, "rev": rev,
            "deleted": deleted is not None,
        }
    tables.reactions = {tuple(row) for row in reactions}
    tables.pins = {row[0] for row in pins}
    tables.held = {row[0]: dict(zip(("author", "status", "text"), row[1:], strict=True)) for row in held}
    tables.bans = {row[0] for row in bans}
    tables.modes = {
        row[0]: {
            name: bool(value) if name not in ("slow_seconds", "follow_minutes") else value
            for name, value in zip(_MODE, row[1:], strict=True)
        }
        for row in rooms
    }
    tables.purges = [dict(zip(("id", "user", "actor", "room", "finished"), row, strict=True)) for row in purges]
    return tables
