"""The terms of communities: set, removed, read and tried."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community import policy
from mypick.community.models import Community, ModerationEntry
from mypick.community.policy import Action
from mypick.community.reading import brief_of
from mypick.community.rooms import hold_all, receipt
from mypick.community.standings import Standings
from mypick.community.terms.commands import RemoveTerm, SetTerm, SetTermLists, TryText
from mypick.community.terms.lists import LANGUAGES
from mypick.community.terms.matchers import Matchers, languages_of
from mypick.community.terms.models import TermRow
from mypick.community.terms.patterns import seen
from mypick.community.terms.views import EffectName, TermLists, TermRemoved, TermSet, TermView, TextTried
from mypick.errors import Code, DomainError
from mypick.ids import Ids
from mypick.pagination import Page, decode_cursor, encode_cursor, page_of
from mypick.streams import Event, NewEvent, Streams

MAX_TERMS = 2_000  # of one community: compiled in 50 ms, and more than a person keeps in mind
_LIST = "terms"


class Terms:
    def __init__(
        self, streams: Streams, standings: Standings, matchers: Matchers, *, clock: Clock, ids: Ids
    ) -> None:
        self._streams = streams
        self._standings = standings
        self._matchers = matchers
        self._clock = clock
        self._ids = ids

    async def set(self, actor: Actor, command: SetTerm) -> TermSet:
        """Block, hold or allow a term. Holds in all rooms and discussions, on all nodes, from the commit on."""
        norm, term_id = seen(command.text), await self._ids.one()

        async def change() -> tuple[Mapping[str, Any], Mapping[str, Any]]:
            mine = TermRow.filter(community_id=command.community_id)
            fields: dict[str, Any] = {"text": command.text, "effect": command.effect}
            fields |= {"actor_id": actor.user_id, "created_at": self._clock.now()}
            if existing := await mine.get_or_none(norm=norm):
                await TermRow.filter(id=existing.id).update(**fields)
            elif await mine.count() >= MAX_TERMS:
                raise DomainError(Code.FULL, f"a community has at most {MAX_TERMS} terms: remove one first")
            else:
                await TermRow.create(id=term_id, community_id=command.community_id, norm=norm, **fields)
            return {"id": existing.id if existing else term_id}, {"term": command.text, "effect": command.effect}

        return TermSet(**await self._change(actor, "set-term", command, change))

    async def remove(self, actor: Actor, command: RemoveTerm) -> TermRemoved:
        """Twice is no error."""

        async def change() -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
            found = await TermRow.get_or_none(id=command.term_id, community_id=command.community_id)
            if found is None:
                return {"removed": False}, None
            await found.delete()
            return {"removed": True}, {"term": found.text, "effect": found.effect}

        return TermRemoved(**await self._change(actor, "remove-term", command, change))

    async def set_lists(self, actor: Actor, command: SetTermLists) -> TermLists:
        """Switch on or off the lists that come with the server."""
        languages = [language for language in LANGUAGES if language in command.languages]

        async def change() -> tuple[Mapping[str, Any], Mapping[str, Any]]:
            await Community.filter(id=command.community_id).update(term_lists=",".join(languages))
            return {"languages": languages}, {"languages": languages}

        return TermLists(**await self._change(actor, "set-term-lists", command, change))

    async def list(
        self, actor: Actor, community_id: int, effect: EffectName | None, cursor: str | None, limit: int
    ) -> Page[TermView]:
        """A community's own terms, the oldest first: all of them, or those of one effect."""
        await self._read(actor, community_id)
        query = TermRow.filter(community_id=community_id)
        if effect is not None:
            query = query.filter(effect=effect)
        if cursor is not None:
            (after,) = decode_cursor(cursor, _LIST, int)
            query = query.filter(id__gt=after)
        rows = await query.order_by("id").limit(limit + 1)
        names = await people.people({row.actor_id for row in rows[:limit]})

        def show(row: TermRow) -> TermView:
            effect: Any = row.effect
            actor = brief_of(names, row.actor_id)
            return TermView(id=row.id, text=row.text, effect=effect, actor=actor, created_at=row.created_at)

        return page_of(rows, limit, show, lambda row: encode_cursor(_LIST, row.id))

    async def lists(self, actor: Actor, community_id: int) -> TermLists:
        community = await self._read(actor, community_id)
        return TermLists(languages=languages_of(community.term_lists))

    async def try_text(self, actor: Actor, command: TryText) -> TextTried:
        """What a text of a member would come to, and by which term."""
        community = await self._read(actor, command.community_id)
        found = (await self._matchers.of(community)).find(command.text)
        if found is None:
            return TextTried(effect=None, term=None, listed=False)
        effect: Any = found.term.effect.value
        return TextTried(effect=effect, term=found.term.text, listed=found.term.listed)

    async def _read(self, actor: Actor, community_id: int) -> Community:
        community = await _community(community_id)
        standing = (await self._standings.of_all([community_id], actor))[community_id]
        policy.require_office(standing, community.visibility, Action.READ_TERMS, self._clock.now())
        return community

    async def _change(self, actor: Actor, name: str, command: Any, change: Any) -> Mapping[str, Any]:
        """Run ``change`` while all rooms and discussions stand still, one that is being opened among them; it gives the
        reply and what the log keeps, or none where nothing was changed. The revision is drawn anew each time: a number
        that a failed transaction used names other terms."""
        community_id = command.community_id
        await _community(community_id)  # NOT_FOUND before a stream is made
        entry_id, now = await self._ids.one(), self._clock.now()
        replies: list[Mapping[str, Any]] = []

        async def decide(_: Sequence[str]) -> Sequence[NewEvent]:
            community = await _community(community_id)
            standing = (await self._standings.of_all([community_id], actor))[community_id]
            policy.require_entry(standing, community.visibility)
            policy.require_voice(standing, now)
            policy.require(standing, Action.SET_TERMS)
            reply, details = await change()
            replies[:] = [reply]
            if details is not None:
                await Community.filter(id=community_id).update(terms_rev=1 + secrets.randbits(62))
                await ModerationEntry.create(
                    id=entry_id,
                    community_id=community_id,
                    actor_id=actor.user_id,
                    action=name,
                    details=details,
                    at=now,
                )
                self._standings.forget()
            return ()

        def reply(_: Sequence[Event]) -> Mapping[str, Any]:
            return replies[0]

        key = receipt(actor, name, command)
        done = await hold_all(self._streams, community_id, decide, receipt=key, reply=reply)
        return done.reply


async def _community(community_id: int) -> Community:
    community = await Community.get_or_none(id=community_id)
    if community is None:
        raise policy.absent()
    return community
