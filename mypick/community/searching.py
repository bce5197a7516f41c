"""Search in communities: who may find what, and what is shown of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.community import policy
from mypick.community.indexing import MESSAGES, Said, Texts
from mypick.community.models import Community, Room
from mypick.community.reading import brief_of
from mypick.community.rooms import MAX_ROOMS
from mypick.community.standings import Standings
from mypick.community.texts import mentioned
from mypick.community.views import SearchHit
from mypick.errors import DomainError, invalid
from mypick.pagination import Page
from mypick.search.commands import SearchTexts
from mypick.search.excerpts import excerpt
from mypick.search.reindex import Progress, reindex
from mypick.search.service import Kind, Match, Question, Search
from mypick.search.wording import Wording, moment_in, person_number, read_wording

MAX_NAMESAKES = 5  # people whom ``from:`` takes a name for


class CommunitySearch:
    """``texts``: what there is besides messages."""

    def __init__(self, standings: Standings, texts: Mapping[Kind, Texts] | None = None) -> None:
        self._standings = standings
        self._texts = {Kind.MESSAGE: MESSAGES, **(texts or {})}
        self._search: Search[Said] = Search({kind: one.read for kind, one in self._texts.items()})

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

    async def count(self) -> int:
        """How many texts there are to be found."""
        return sum([await one.count() for one in self._texts.values()])

    async def reindex(self, progress: Progress) -> int:
        """Index everything anew. Texts done."""
        return await reindex({kind: one.batch for kind, one in self._texts.items()}, progress)

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
                raise policy.absent()
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
