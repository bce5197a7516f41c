"""Bringing the log of a chat into a room.

Messages go in as history: their rows get the next places of the room's stream, and the stream's floor is raised behind
them, as it is when old events are trimmed. So order and ``seq`` are those of any room, and a client that has the room
open is told once in two seconds to read it anew, and not sent each of a million messages.

Each batch is one transaction: messages, what search has of them, what they are called in their source, and how far the
file is. Whatever is killed when, the next run goes on behind the last batch; and an id of the source is in a room once,
whatever files say.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from mypick import db
from mypick.accounts.imported import keep_imported
from mypick.clock import Clock
from mypick.community.imports import discord, youtube
from mypick.community.imports.models import ChatImport, ImportedMessage
from mypick.community.imports.reading import Broken, Record, read
from mypick.community.imports.records import Imported, Parse, Unreadable
from mypick.community.indexing import indexed, is_found
from mypick.community.models import Message, Room
from mypick.community.rooms import MAX_ROOMS
from mypick.community.streams import room_of
from mypick.errors import Code, DomainError
from mypick.ids import Ids
from mypick.search.index import put_new
from mypick.search.packer import pack_all
from mypick.streams import Streams

FORMATS: Mapping[str, Parse] = {"youtube": youtube.parse, "discord": discord.parse}
BATCH = 1_000  # records in one transaction: some 100 ms on PostgreSQL
GUESSED_FROM = 200  # records that are tried to tell which program wrote a file
MAX_LISTED = 100  # bad lines that are told by their numbers; the others are counted

Progress = Callable[[int], None]
"""Is told how many bytes more are done."""


@dataclass(slots=True)
class Outcome:
    """What came of a file. ``bad``: number of the line and what is wrong with it, the first ``MAX_LISTED``."""

    messages: int = 0
    known: int = 0  # were in the room already
    passed: int = 0  # are no messages: somebody came, the chat began
    bad: int = 0
    listed: list[tuple[int, str]] = field(default_factory=list)


def other_format(path: Path, source: str) -> str | None:
    """The format in which the beginning of a file can be read, where ``source`` reads nothing of it."""
    try:
        records = list(islice(read(path), GUESSED_FROM))
    except Broken:
        return None  # said where it is brought in
    for name in (source, *FORMATS):
        if _batch(iter(records), FORMATS[name], Outcome()).messages:
            return None if name == source else name
    return None


class Importer:
    def __init__(self, streams: Streams, *, clock: Clock, ids: Ids) -> None:
        self._streams = streams
        self._clock = clock
        self._ids = ids

    async def room_named(self, community_id: int, name: str) -> int:
        """The room of the community with this name, made if it is not there. ``FULL`` at ``MAX_ROOMS``."""
        async with db.transaction():
            rooms = await Room.filter(community_id=community_id).select_for_update()
            for room in rooms:
                if room.name == name:
                    return int(room.id)
            if len(rooms) >= MAX_ROOMS:
                raise DomainError(Code.FULL, f"a community has at most {MAX_ROOMS} rooms")
            room = await Room.create(community_id=community_id, name=name, created_at=self._clock.now())
        return int(room.id)

    async def check(self, path: Path, source: str, progress: Progress) -> Outcome:
        """Read the whole file and change nothing."""
        outcome, done = Outcome(), 0
        records = read(path)
        while batch := await asyncio.to_thread(_batch, records, FORMATS[source], outcome):
            outcome.messages += len(batch.messages)
            progress(batch.behind - done)
            done = batch.behind
        return outcome

    async def load(self, room_id: int, path: Path, source: str, progress: Progress) -> Outcome:
        """Bring the file in, from where it was stopped. ``CONFLICT`` for a room in which people have talked: what was
        said earlier elsewhere would stand behind it."""
        row = await self._begun(room_id, await asyncio.to_thread(_hash, path))
        outcome = Outcome()
        progress(row.offset)
        records = read(path, row.offset, row.number)
        while batch := await asyncio.to_thread(_batch, records, FORMATS[source], outcome):
            await self._write(row, source, batch, outcome)
            await pack_all()  # as it goes: search would look through all that waits
            progress(batch.behind - row.offset)
            row.offset, row.number = batch.behind, batch.number
        await ChatImport.filter(id=row.id).update(finished_at=self._clock.now())
        return outcome

    async def _begun(self, room_id: int, file_hash: str) -> ChatImport:
        row = await ChatImport.get_or_none(room_id=room_id, file_hash=file_hash)
        if row is not None:
            return row
        talked = await Message.filter(room_id=room_id).exists()
        if talked and not await ChatImport.filter(room_id=room_id).exists():
            raise DomainError(
                Code.CONFLICT, "people have talked in this room: name another, which is made if it is not there"
            )
        return await ChatImport.create(room_id=room_id, file_hash=file_hash, started_at=self._clock.now())

    async def _write(self, row: ChatImport, source: str, batch: _Batch, outcome: Outcome) -> None:
        messages = {f"{source}:{one.key}"[:100]: one for one in batch.messages}
        authors = {f"{source}:{one.author.key}": (one.author.name, one.author.avatar_url) for one in messages.values()}
        people = await keep_imported(authors, self._clock.now())
        ids = await self._ids.take(max(1, len(messages)))
        room = await Room.get(id=row.room_id)
        stream = room_of(row.room_id)
        await self._streams.store.ids_of([stream])  # a stream is made before the transaction
        async with db.transaction():
            first = await self._streams.store.skip(stream, 0)  # the lock: the room stands still
            known = await self._known(row.room_id, source, messages)
            new = [key for key in messages if key not in known]
            known.update(zip(new, ids, strict=False))
            await self._streams.store.skip(stream, len(new))
            threads = await _threads(messages, known, source)
            rows = [
                self._message(row.room_id, known, threads, source, messages[key], known[key], people, seq)
                for seq, key in enumerate(new, first)
            ]
            await Message.bulk_create(rows)
            if is_found(room.kind):
                await put_new([indexed(message, room.community_id) for message in rows])
            await ImportedMessage.bulk_create(
                [ImportedMessage(message_id=known[key], room_id=row.room_id, source_key=key) for key in new]
            )
            await ChatImport.filter(id=row.id).update(
                offset=batch.behind, number=batch.number, messages=row.messages + len(new), bad=row.bad + batch.bad
            )
        row.messages, row.bad = row.messages + len(new), row.bad + batch.bad
        outcome.messages += len(new)
        outcome.known += len(batch.messages) - len(new)

    @staticmethod
    async def _known(room_id: int, source: str, messages: Mapping[str, Imported]) -> dict[str, int]:
        """Which of the messages, and of those that they answer, are in the room: their ids."""
        asked = set(messages) | {f"{source}:{one.reply_to}"[:100] for one in messages.values() if one.reply_to}
        rows = await ImportedMessage.filter(room_id=room_id, source_key__in=list(asked)).values_list(
            "source_key", "message_id"
        )
        return dict(rows)

    @staticmethod
    def _message(
        room_id: int,
        known: Mapping[str, int],
        threads: dict[int, int],
        source: str,
        said: Imported,
        message_id: int,
        people: Mapping[str, int],
        seq: int,
    ) -> Message:
        parent = known.get(f"{source}:{said.reply_to}"[:100]) if said.reply_to else None
        if parent is not None:
            threads[message_id] = threads.get(parent, parent)
        return Message(
            id=message_id,
            room_id=room_id,
            seq=seq,
            changed_seq=seq,
            author_id=people[f"{source}:{said.author.key}"],
            text=said.text,
            text_hash="",  # nobody says it again
            reply_to=parent,
            thread_id=threads.get(message_id),
            created_at=said.at,
            edited_at=said.edited_at,
        )


async def _threads(messages: Mapping[str, Imported], known: Mapping[str, int], source: str) -> dict[int, int]:
    """Of messages that are answered: which thread they are in, where they are in one."""
    parents = {known.get(f"{source}:{one.reply_to}"[:100]) for one in messages.values() if one.reply_to} - {None}
    if not parents:
        return {}
    rows = await Message.filter(id__in=list(parents), thread_id__isnull=False).values_list("id", "thread_id")
    return dict(rows)


@dataclass(slots=True)
class _Batch:
    messages: list[Imported]
    behind: int
    number: int
    bad: int

    def __bool__(self) -> bool:
        return self.number > 0


def _batch(records: Iterator[Record], parse: Parse, outcome: Outcome) -> _Batch:
    """The next records, parsed; in a thread, since it reads the file. What is bad is noted."""
    batch = _Batch([], 0, 0, 0)
    for record in islice(records, BATCH):
        batch.behind, batch.number = record.behind, record.number
        try:
            message = _parsed(record, parse)
        except Unreadable as problem:
            batch.bad += 1
            outcome.bad += 1
            if len(outcome.listed) < MAX_LISTED:
                outcome.listed.append((record.number, str(problem)))
            continue
        if message is None:
            outcome.passed += 1
        else:
            batch.messages.append(message)
    return batch


def _parsed(record: Record, parse: Parse) -> Imported | None:
    if record.value is None:
        raise Unreadable("it is no JSON object")
    try:
        return parse(record.value)
    except (TypeError, AttributeError, IndexError, KeyError) as problem:  # of a shape that no exporter writes
        raise Unreadable(f"it has another shape: {type(problem).__name__}") from problem


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
