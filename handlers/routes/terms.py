"""``/communities/{id}/terms``: what a community blocks, holds and allows."""

from __future__ import annotations

import secrets
from typing import Annotated

from aiohttp_pydantic.oas.typing import r200
from pydantic import Field

from handlers.replies import page_reply, reply
from handlers.routes.parameters import Cursor, Limit, PathId
from handlers.rules import rules
from handlers.views import ApiView
from mypick.community.terms.commands import (
    NewTerm,
    NewTermLists,
    RemoveTerm,
    SetTerm,
    SetTermLists,
    TextToTry,
    TryText,
)
from mypick.community.terms.views import EffectName, TermLists, TermRemoved, TermSet, TermView, TextTried
from mypick.errors import Code
from mypick.pagination import DEFAULT_LIMIT, Page

WRITE = "community:write"
READING = (Code.BANNED, Code.TIMED_OUT, Code.NOT_MEMBER)
SETTING = (*READING, Code.CID_REUSED)

Effect = Annotated[EffectName | None, Field(description="those with this effect only")]


class TermsView(ApiView):
    @rules("listTerms", tag="communities", scope="read", errors=READING)
    async def get(
        self, community_id: PathId, /, effect: Effect = None, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
    ) -> r200[Page[TermView]]:
        """A community's own terms, the oldest first. For moderators."""
        terms = self.parts.communities.terms
        return page_reply(await terms.list(self.actor, community_id, effect, cursor, limit))

    @rules("setTerm", tag="communities", scope=WRITE, idempotent=True, errors=(*SETTING, Code.FULL))
    async def put(self, community_id: PathId, /, command: NewTerm) -> r200[TermSet]:
        """Block, hold or allow a term. One with the same letters is replaced."""
        term = SetTerm(community_id=community_id, **command.model_dump())
        return reply(await self.parts.communities.terms.set(self.actor, term))


class TermRoute(ApiView):
    @rules("removeTerm", tag="communities", scope=WRITE, idempotent=True, errors=SETTING)
    async def delete(self, community_id: PathId, term_id: PathId, /) -> r200[TermRemoved]:
        """Let a term be as if nobody had set it. Twice is no error."""
        # removing twice changes nothing, so each request may be a command of its own
        command = RemoveTerm(community_id=community_id, term_id=term_id, cid=secrets.token_hex(16))
        return reply(await self.parts.communities.terms.remove(self.actor, command))


class TermListsView(ApiView):
    @rules("getTermLists", tag="communities", scope="read", errors=READING)
    async def get(self, community_id: PathId, /) -> r200[TermLists]:
        """Which of the lists that come with the server are on. For moderators."""
        return reply(await self.parts.communities.terms.lists(self.actor, community_id))

    @rules("setTermLists", tag="communities", scope=WRITE, idempotent=True, errors=SETTING)
    async def put(self, community_id: PathId, /, command: NewTermLists) -> r200[TermLists]:
        """Switch them on or off."""
        lists = SetTermLists(community_id=community_id, **command.model_dump())
        return reply(await self.parts.communities.terms.set_lists(self.actor, lists))


class TextTriesView(ApiView):
    @rules("tryText", tag="communities", scope="read", limit="search", errors=READING)
    async def post(self, community_id: PathId, /, command: TextToTry) -> r200[TextTried]:
        """Ask what a text would come to, without sending it. For moderators."""
        text = TryText(community_id=community_id, text=command.text)
        return reply(await self.parts.communities.terms.try_text(self.actor, text))


VIEWS: dict[str, type[ApiView]] = {
    "/communities/{community_id}/terms": TermsView,
    "/communities/{community_id}/terms/{term_id}": TermRoute,
    "/communities/{community_id}/term-lists": TermListsView,
    "/communities/{community_id}/text-tries": TextTriesView,
}
