"""Reading streams: where they stand, and what a client has missed."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

import orjson

from mypick import db
from mypick.clock import to_wire
from mypick.gathering import Gathering
from mypick.slices import slices
from mypick.streams.events import MAX_KEY, Event, Frame, Position
from mypick.streams.missed import RESUMES_AT_ONCE, Question, page_of, read_missed
from mypick.streams.models import Stream, StreamEvent

FEW = 10  # questions in one batch, up to which each is answered to its limit
SHOWN_AT_ONCE = 1_000  # events rendered in one turn of the loop, and by one query for each type: 5 ms
ANSWERED_AT_ONCE = 100  # answers put together in one turn of the loop, of 20 events each: 1 ms
MAX_PAGE = 200  # events in one answer, as the wire says
_KNOWN_STREAMS = 50_000  # key → id, about 150 bytes each
_HEADS_AT_ONCE = 5_000  # ids in one query: SQLite allows 32,766 parameters, PostgreSQL 32,767

Renderer = Callable[[Sequence[Event]], Awaitable[Sequence[Mapping[str, Any]]]]
"""Makes the ``data`` that clients see of events of one type, in the same order."""
People = Callable[[Collection[int]], Awaitable[Mapping[int, Mapping[str, Any]]]]
"""``{id: {"id", "name", "avatar_url"}}`` of the actors that still exist."""


class StreamStore:
    """The read side. Text is not in the log: renderers fetch it, so what was erased is in no replay."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._renderers: dict[tuple[str, str], Renderer] = {}  # by kind of stream and type
        self._ids: OrderedDict[str, int] = OrderedDict()
        self._positions = Gathering(self._positions_of)
        self._resumes = Gathering(self._resume_many, most=RESUMES_AT_ONCE)

    def render(self, event_type: str, renderer: Renderer, *, streams: str = "") -> None:
        """Let ``renderer`` make what clients see of ``event_type``, of streams of one kind (``party:``) or of those
        that have none of their own. Once for each, before serving."""
        if (streams, event_type) in self._renderers:
            raise RuntimeError(f"{streams}{event_type} has a renderer already")
        self._renderers[streams, event_type] = renderer

    def _renderer(self, event: Event) -> Renderer | None:
        kind = event.stream[: event.stream.find(":") + 1]
        return self._renderers.get((kind, event.type)) or self._renderers.get(("", event.type))

    async def ids_of(self, keys: Collection[str]) -> dict[str, int]:
        """Row ids of ``keys``; streams that did not exist are made, empty. Not inside a transaction: a rolled-back
        stream would stay in the cache."""
        # what is found is kept here: while we wait, others may push it out of the cache
        found = {key: self._ids[key] for key in keys if key in self._ids}
        missing = [key for key in keys if key not in found]
        if missing:
            if db.in_a_transaction():
                raise RuntimeError("streams must be known before the transaction opens")
            found.update(await self._load(missing))
            absent = [key for key in missing if key not in found]
            if absent:
                if too_long := next((key for key in absent if len(key) > MAX_KEY), None):
                    raise ValueError(f"a stream key has at most {MAX_KEY} characters: {too_long[:20]}…")
                await Stream.bulk_create(
                    [Stream(key=key, epoch=secrets.token_hex(4)) for key in sorted(absent)],
                    ignore_conflicts=True,
                )
                found.update(await self._load(absent))
        for key in keys:
            self._ids[key] = found[key]
            self._ids.move_to_end(key)
        while len(self._ids) > _KNOWN_STREAMS:
            self._ids.popitem(last=False)
        return found

    async def _load(self, keys: Sequence[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for start in range(0, len(keys), _HEADS_AT_ONCE):
            part = keys[start : start + _HEADS_AT_ONCE]
            found.update(await Stream.filter(key__in=part).values_list("key", "id"))
        return found

    async def position(self, key: str) -> Position:
        """Where ``key`` stands now. A stream that nobody has written to stands at 0."""
        position = await self._positions.get(key)
        if position is None:
            raise AssertionError("every stream has a position")
        return position

    async def head_held(self, key: str) -> int:
        """Inside a transaction that holds the lock of ``key``: its head before that transaction. One query."""
        (head,) = await Stream.get(key=key).values_list("head_seq")
        return int(head)

    async def _positions_of(self, keys: Sequence[str]) -> dict[str, Position]:
        ids = await self.ids_of(keys)
        return {position.key: position for position in await self.positions(ids.values())}

    async def positions(self, ids: Collection[int]) -> list[Position]:
        """Where streams stand, one query for each 5,000."""
        wanted = list(ids)
        found: list[Position] = []
        for start in range(0, len(wanted), _HEADS_AT_ONCE):
            rows = await Stream.filter(id__in=wanted[start : start + _HEADS_AT_ONCE]).values_list(
                "id", "key", "epoch", "head_seq", "floor_seq"
            )
            found += [Position(*row) for row in rows]
        return found

    async def moved(self, known: Sequence[tuple[Position, int]]) -> list[Position]:
        """Where those streams stand now that are not where they are thought to be: at that epoch and that ``seq``."""
        if db.dialect() == "postgres":  # it compares by itself: of 10,000 streams that stand still nothing is sent
            rows = await db.connection().execute_query_dict(
                'SELECT s.id, s."key" AS name, s.epoch, s.head_seq, s.floor_seq '
                "FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS known(id, seq, epoch) "
                "JOIN stream s ON s.id = known.id WHERE s.head_seq <> known.seq OR s.epoch <> known.epoch",
                [
                    [position.id for position, _ in known],
                    [seq for _, seq in known],
                    [position.epoch for position, _ in known],
                ],
            )
            return [
                Position(row["id"], row["name"], row["epoch"], row["head_seq"], row["floor_seq"]) for row in rows
            ]
        thought = {position.id: (position.epoch, seq) for position, seq in known}
        return [now for now in await self.positions(thought) if (now.epoch, now.head_seq) != thought[now.id]]

    async def skip(self, key: str, count: int) -> int:
        """Inside a transaction: lock the stream and pass over ``count`` places, for what came from elsewhere and is
        told by no event. The first of them. Who stands before them is told ``reset``, as where events were trimmed."""
        stream = await Stream.filter(key=key).select_for_update().get()
        if count:
            head = stream.head_seq + count
            await Stream.filter(id=stream.id).update(head_seq=head, floor_seq=head)
        return int(stream.head_seq) + 1

    async def forget(self, key: str, limit: int) -> bool:
        """Remove up to ``limit`` events of a stream that nobody reads any more; whether there may be others. Its number
        goes on where it was, so that who still knows it is told ``reset``."""
        stream = await Stream.get_or_none(key=key)
        if stream is None:
            return False
        await Stream.filter(id=stream.id).update(floor_seq=stream.head_seq)
        old = StreamEvent.filter(stream_id=stream.id).order_by("seq").limit(limit)
        ids = [row[0] for row in await old.values_list("id")]
        if ids:
            await StreamEvent.filter(id__in=ids).delete()
        return len(ids) == limit

    async def after(self, position: Position, after_seq: int, limit: int = MAX_PAGE) -> list[Event]:
        """Events with ``seq > after_seq`` in order, at most ``limit``."""
        rows = (
            await StreamEvent.filter(stream_id=position.id, seq__gt=after_seq)
            .order_by("seq")
            .limit(limit)
            .values_list("id", "seq", "type", "ref", "actor_id", "at", "data")
        )
        return [
            Event(position.key, position.epoch, seq, event_id, kind, at, data, ref, actor_id)
            for event_id, seq, kind, ref, actor_id, at, data in rows
        ]

    async def show(self, events: Sequence[Event]) -> list[dict[str, Any]]:
        """Events as the wire has them, text and actors fetched: one query for each type and one for the actors."""
        shown: dict[int, Mapping[str, Any]] = {}
        by_renderer: dict[Renderer | None, list[Event]] = {}
        for event in events:
            by_renderer.setdefault(self._renderer(event), []).append(event)
        for renderer, alike in by_renderer.items():
            rendered = await renderer(alike) if renderer else [event.data for event in alike]
            shown.update((event.id, data) for event, data in zip(alike, rendered, strict=True))
        actor_ids = {event.actor_id for event in events if event.actor_id is not None}
        actors = await self._people(actor_ids) if actor_ids else {}
        return [self._wire(event, shown[event.id], actors) for event in events]

    @staticmethod
    def _wire(event: Event, data: Mapping[str, Any], actors: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
        body: dict[str, Any] = {
            "stream": event.stream,
            "epoch": event.epoch,
            "seq": event.seq,
            "id": event.id,
            "at": to_wire(event.at),
        }
        if event.actor_id is not None and event.actor_id in actors:
            body["actor"] = actors[event.actor_id]
        body["data"] = data
        return body

    async def frames(self, events: Sequence[Event], node: str = "") -> list[Frame]:
        """Events ready to be sent."""
        shown = await self.show(events)
        return [
            Frame(event.stream, event.epoch, event.seq, event.type, orjson.dumps(body), node)
            for event, body in zip(events, shown, strict=True)
        ]

    async def resume(self, key: str, epoch: str | None, after_seq: int, limit: int = MAX_PAGE) -> dict[str, Any]:
        """The answer to ``sync``: what came after ``after_seq``, or ``reset`` where that cannot be told.

        ``reset`` is true, with no events, when the client knows another epoch, stands below the floor, or claims more
        than there is. Many who ask at once are answered by the same few queries.
        """
        answer = await self._resumes.get(Question(key, epoch, after_seq, limit))
        if answer is None:
            raise AssertionError("every question has an answer")
        return answer

    async def _resume_many(self, questions: Sequence[Question]) -> dict[Question, dict[str, Any]]:
        missed = await read_missed({(question.stream, question.after_seq) for question in questions})
        if absent := {question.stream for question in questions if question.stream not in missed.positions}:
            ids = await self.ids_of(absent)
            missed.positions.update({position.key: position for position in await self.positions(ids.values())})
        pages = {question: page_of(question, missed) for question in questions}
        for page in pages.values():
            if page.short and len(pages) <= FEW:  # in a storm who is far behind asks again: ``more`` says so
                page.add(await self.after(page.position, page.last_seq, page.question.limit - len(page.events)))
        events = {event.id: event for page in pages.values() for event in page.events}
        shown: dict[int, dict[str, Any]] = {}
        async for part in slices(list(events.values()), SHOWN_AT_ONCE):
            shown.update(zip((event.id for event in part), await self.show(part), strict=True))
        answers: dict[Question, dict[str, Any]] = {}
        async for asked in slices(list(pages.items()), ANSWERED_AT_ONCE):
            answers.update((question, page.answer(shown)) for question, page in asked)
        return answers
