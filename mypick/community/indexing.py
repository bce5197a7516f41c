"""What the search index has of a message, kept with its text."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from tortoise.expressions import Subquery

from mypick.community.models import Message, MessageRevision, Room
from mypick.community.texts import has_link
from mypick.previews.links import first_link
from mypick.previews.service import forget_links
from mypick.search import index
from mypick.search.index import Indexed
from mypick.search.reindex import Reader
from mypick.search.service import Kind, Source

Labels = Sequence[tuple[str, object]]


@dataclass(frozen=True, slots=True)
class Said:
    """A text that was found, of whatever kind."""

    id: int
    community_id: int
    author_id: int | None
    at: datetime
    text: str
    labels: Labels
    edited: bool
    room_id: int | None = None
    seq: int | None = None
    discussion_id: int | None = None


@dataclass(frozen=True, slots=True)
class Texts:
    """How search gets at the texts of one kind: those it compares and shows, batches of them to index anew, and how
    many there are."""

    read: Source[Said]
    batch: Reader
    count: Callable[[], Awaitable[int]]


def labels_of(kind: Kind, author_id: int | None, text: str, room_id: int | None = None) -> Labels:
    """What can be asked of a text besides its words."""
    found: list[tuple[str, object]] = [("kind", kind.value), ("author", author_id)]
    if room_id is not None:
        found.append(("room", room_id))
    if has_link(text):
        found.append(("has", "link"))
    return found


def is_found(room_kind: str) -> bool:
    """Whether what is said in such rooms can be found. Of staff rooms the index has nothing: it would be compared for
    whoever asks, and that there is a cursor would tell of it."""
    return room_kind != "staff"


def indexed(message: Message, community_id: int, text: str | None = None) -> Indexed:
    """As the index takes it, with its own text or an earlier one."""
    said = message.text if text is None else text
    labels = labels_of(Kind.MESSAGE, message.author_id, said, message.room_id)
    return Indexed(Kind.MESSAGE, message.id, community_id, message.created_at, said, labels)


async def forget_messages(messages: Sequence[Message]) -> None:
    """Before their texts and revisions are removed, in the same transaction: what the index has of them, and what is
    kept of their links."""
    versions = await _versions(messages)
    await forget_links([link for one in versions if (link := first_link(one.text))])
    await index.forget(versions)


async def hide_message(message: Message) -> None:
    """In the transaction that takes it from view. Compared and left out it would count among the texts that one page of
    a search compares, so that a page that ends early would tell what many hidden texts say."""
    await index.forget(await _versions([message]))


async def _versions(messages: Sequence[Message]) -> list[Indexed]:
    """All that the index may have of them."""
    revisions = await MessageRevision.filter(message_id__in=[message.id for message in messages if message.rev > 1])
    edited = {message.id: message for message in messages}
    rooms = await _communities_of({message.room_id for message in messages})
    versions = [(message, message.text) for message in messages if not message.deleted_at]
    versions += [(edited[row.message_id], row.text) for row in revisions]
    return [indexed(message, rooms[message.room_id], text) for message, text in versions]


async def read_messages(ids: Sequence[int]) -> dict[int, Said]:
    """Those that still have their text and are in view; nothing of staff rooms, whoever asks. Two queries, and no model
    object for each: a search may compare hundreds."""
    columns = ("id", "room_id", "author_id", "created_at", "text", "edited_at", "seq")
    rows = await Message.filter(id__in=list(ids), deleted_at=None, hidden_at=None).values_list(*columns)
    open_rooms = Room.filter(id__in=list({row[1] for row in rows})).exclude(kind="staff")
    rooms = dict(await open_rooms.values_list("id", "community_id"))
    return {
        ref: Said(
            id=ref,
            community_id=rooms[room_id],
            author_id=author_id,
            at=at,
            text=text,
            labels=labels_of(Kind.MESSAGE, author_id, text, room_id),
            edited=edited_at is not None,
            room_id=room_id,
            seq=seq,
        )
        for ref, room_id, author_id, at, text, edited_at, seq in rows
        if room_id in rooms
    }


async def message_batch(after: int, most: int) -> list[Indexed]:
    """For reindexing: what was said behind a message, locked."""
    said = Message.filter(id__gt=after, deleted_at=None, hidden_at=None, room_id__not_in=_staff_rooms())
    rows = await said.order_by("id").limit(most).select_for_update()
    rooms = await _communities_of({row.room_id for row in rows})
    return [indexed(row, rooms[row.room_id]) for row in rows]


async def count_messages() -> int:
    return await Message.filter(deleted_at=None, hidden_at=None, room_id__not_in=_staff_rooms()).count()


def _staff_rooms() -> Subquery:
    return Subquery(Room.filter(kind="staff").values("id"))


MESSAGES = Texts(read_messages, message_batch, count_messages)


async def _communities_of(room_ids: Collection[int]) -> dict[int, int]:
    """By room."""
    return dict(await Room.filter(id__in=list(room_ids)).values_list("id", "community_id"))
