"""Search in communities: what is indexed of a message, who may find it, and what is shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.community import policy
from mypick.community.models import Community, Message, MessageRevision, Room
from mypick.community.reading import brief_of
from mypick.community.rooms import MAX_ROOMS
from mypick.community.standings import Standings
from mypick.community.texts import has_link, mentioned
from mypick.community.views import SearchHit
from mypick.errors import DomainError, invalid, not_found
from mypick.pagination import Page
from mypick.search import index
from mypick.search.commands import SearchTexts
from mypick.search.excerpts import excerpt
from mypick.search.index import Indexed
from mypick.search.service import Kind, Match, Question, Search, Source
from mypick.search.wording import Wording, moment_in, person_number, read_wording

MAX_NAMESAKES = 5  # people whom ``from:`` takes a name for

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


def labels_of(kind: Kind, author_id: int | None, text: str, room_id: int | None = None) -> Labels:
    """What can be asked of a text besides its words."""
    found: list[tuple[str, object]] = [("kind", kind.value), ("author", author_id)]
    if room_id is not None:
        found.append(("room", room_id))
    if has_link(text):
        found.append(("has", "link"))
    return found


def indexed(message: Message, community_id: int, text: str | None = None) -> Indexed:
    """As the index takes it, with its own text or an earlier one."""
    said = message.text if text is None else text
    labels = labels_of(Kind.MESSAGE, message.author_id, said, message.room_id)
    return Indexed(Kind.MESSAGE, message.id, community_id, message.created_at, said, labels)


async def forget_messages(messages: Sequence[Message], community_id: int) -> None:
    """Before their texts and revisions are removed, in the same transaction."""
    revisions = await MessageRevision.filter(message_id__in=[message.id for message in messages if message.rev > 1])
    edited = {message.id: message for message in messages}
    await index.forget(
        [
            *(indexed(message, community_id) for message in messages if not message.deleted_at),
            *(indexed(edited[row.message_id], community_id, row.text) for row in revisions),
        ]
    )


async def read_messages(ids: Sequence[int]) -> dict[int, Said]:
    """Those that still have their text. Two queries."""
    rows = await Message.filter(id__in=list(ids), deleted_at=None)
    rooms = dict(await Room.filter(id__in=list({row.room_id for row in rows})).values_list("id", "community_id"))
    return {
        row.id: Said(
            id=row.id,
            community_id=rooms[row.room_id],
            author_id=row.author_id,
            at=row.created_at,
            text=row.text,
            labels=labels_of(Kind.MESSAGE, row.author_id, row.text, row.room_id),
            edited=row.edited_at is not None,
            room_id=row.room_id,
            seq=row.seq,
        )
        for row in rows
    }


class CommunitySearch:
    """``sources``: of the texts besides messages."""

    def __init__(self, standings: Standings, sources: Mapping[Kind, Source[Said]] | None = None) -> None:
        self._standings = standings
        self._search: Search[Said] = Search({Kind.MESSAGE: read_messages, **(sources or {})})

    async def search(self, actor: Actor, command: SearchTexts) -> Page[SearchHit]:
        """What the actor may read at this moment, the newest first. A page may have a cursor and fewer hits than asked
        for, even none: what was seen so far did not match, and there is more to see."""
        asked = read_wording(command.q)
        any_of, communities = await self._where(actor, command, asked)
        if (author := await self._author(actor, command, asked)) is not None:
            any_of["author"] = author
        if command.kind:
            any_of["kind"] = [Kind[command.kind.upper()].value]
        if command.has_link or asked.has_link:
            any_of["has"] = ["link"]
        if not asked.needles and not any_of.keys() & {"author", "room", "has"}:
            raise invalid("say what to look for: a word, a phrase, from:, in: or has:link", field="query.q")
        if not all(any_of.values()):  # nobody, or nowhere
            return Page(items=[], next_cursor=None, limit=command.limit)
        question = Question(
            sought=asked.sought,
            any_of=any_of,
            first=_latest(asked.after, command.after),
            before=_earliest(asked.before, command.before),
            communities=communities,
        )

        async def readable(ids: Collection[int]) -> Collection[int]:
            return await self._readable(actor, ids)

        found = await self._search.find(question, readable, command.cursor, command.limit)
        return Page(items=await _shown(found.items), next_cursor=found.next_cursor, limit=command.limit)

    async def _readable(self, actor: Actor, ids: Collection[int]) -> set[int]:
        """Three queries."""
        rows = await Community.filter(id__in=list(ids))
        standings = await self._standings.of_all([row.id for row in rows], actor)
        return {row.id for row in rows if _may_enter(standings[row.id], row.visibility)}

    async def _where(
        self, actor: Actor, command: SearchTexts, asked: Wording
    ) -> tuple[dict[str, Collection[object]], list[int] | None]:
        """The rooms and communities that are named. Whoever may not enter them is refused as anywhere else."""
        communities: set[int] | None = None
        rooms: set[int] | None = None
        if command.community_id is not None:
            row = await Community.get_or_none(id=command.community_id)
            if row is None:
                raise not_found("community")
            policy.require_entry((await self._standings.of_all([row.id], actor))[row.id], row.visibility)
            communities = {row.id}
            if asked.room is not None and not asked.room.isdigit():
                named = await Room.filter(community_id=row.id).limit(MAX_ROOMS).values_list("id", "name")
                rooms = {room_id for room_id, name in named if name.casefold() == asked.room.casefold()}
        for number in (command.room_id, _number(asked.room)):
            if number is not None:
                place, standing = await self._standings.read(number, actor)
                policy.require_entry(standing, place.community.visibility)
                rooms = {number} if rooms is None else rooms & {number}
                here = {place.community.id}
                communities = here if communities is None else communities & here
        if rooms is None and asked.room is not None:
            raise invalid("name a room by its number here, or search in its community", field="query.q")
        return ({} if rooms is None else {"room": sorted(rooms)}), (
            None if communities is None else sorted(communities)
        )

    @staticmethod
    async def _author(actor: Actor, command: SearchTexts, asked: Wording) -> list[int] | None:
        named: list[int] | None = None
        if asked.author is not None:
            number = person_number(asked.author)
            if asked.author == "me":
                named = [actor.user_id]
            else:
                named = [number] if number else await people.namesakes(asked.author, MAX_NAMESAKES)
        if command.author_id is None:
            return named
        return [command.author_id] if named is None or command.author_id in named else []


async def _shown(matches: Sequence[Match[Said]]) -> list[SearchHit]:
    """One query for the names of authors and of those who are mentioned."""
    wanted = {match.found.author_id for match in matches if match.found.author_id}
    names = await people.people(wanted | {one for match in matches for one in mentioned(match.found.text)})
    return [
        SearchHit(
            kind=match.kind.word,
            id=match.ref,
            community_id=match.found.community_id,
            room_id=match.found.room_id,
            seq=match.found.seq,
            discussion_id=match.found.discussion_id,
            author=brief_of(names, match.found.author_id),
            at=match.found.at,
            edited=match.found.edited,
            excerpt=excerpt(match.found.text, match.marks),
            mentions=[brief for one in mentioned(match.found.text) if (brief := brief_of(names, one))],
        )
        for match in matches
    ]


def _may_enter(standing: policy.Standing, visibility: str) -> bool:
    try:
        policy.require_entry(standing, visibility)
    except DomainError:
        return False
    return True


def _number(room: str | None) -> int | None:
    return person_number(room) if room else None


def _latest(typed: datetime | None, given: str | None) -> datetime | None:
    moments: list[Any] = [at for at in (typed, given and moment_in(given)) if at]
    return max(moments, default=None)


def _earliest(typed: datetime | None, given: str | None) -> datetime | None:
    moments: list[Any] = [at for at in (typed, given and moment_in(given)) if at]
    return min(moments, default=None)
