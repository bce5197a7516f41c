"""``/search``: texts of communities, and the messages around one that was found."""

from __future__ import annotations

from typing import Annotated

from aiohttp_pydantic.oas.typing import r200
from pydantic import Field

from handlers.replies import page_reply, reply
from handlers.routes.parameters import Cursor, PathId
from handlers.rules import rules
from handlers.views import ApiView
from mypick.community.commands import LARGEST_SEQ, MAX_HISTORY
from mypick.community.views import AroundPage, SearchHit
from mypick.errors import Code
from mypick.pagination import DEFAULT_LIMIT, Page
from mypick.search.commands import MAX_HITS, KindName, Query, SearchTexts, When
from mypick.wire import Id

HERE = (Code.BANNED, Code.NOT_MEMBER, Code.NOT_FOUND)

InRoom = Annotated[Id | None, Field(description="in this room only")]
By = Annotated[Id | None, Field(description="by this user only")]
OfKind = Annotated[KindName | None, Field(description="of this kind only")]
After = Annotated[When | None, Field(description="not older than this day (UTC) or time")]
Before = Annotated[When | None, Field(description="older than this day (UTC) or time")]
HasLink = Annotated[bool, Field(description="with a link only")]
Hits = Annotated[int, Field(ge=1, le=MAX_HITS, description="hits on one page")]
Around = Annotated[int, Field(ge=0, le=LARGEST_SEQ, description="of the message to be shown amid others")]
Messages = Annotated[int, Field(ge=1, le=MAX_HISTORY, description="messages in the answer")]


class SearchView(ApiView):
    @rules("search", tag="search", scope="read", limit="search", errors=HERE)
    async def get(
        self,
        q: Query = "",
        room_id: InRoom = None,
        author_id: By = None,
        kind: OfKind = None,
        after: After = None,
        before: Before = None,
        has_link: HasLink = False,
        cursor: Cursor = None,
        limit: Hits = DEFAULT_LIMIT,
    ) -> r200[Page[SearchHit]]:
        """Find what the asker may read, in all communities, the newest first.

        A page with a cursor may have fewer hits than asked for, even none: go on with the cursor.
        """
        asked = SearchTexts(
            q=q,
            room_id=room_id,
            author_id=author_id,
            kind=kind,
            after=after,
            before=before,
            has_link=has_link,
            cursor=cursor,
            limit=limit,
        )
        return page_reply(await self.parts.communities.search.search(self.actor, asked))


class CommunitySearchView(ApiView):
    @rules("searchCommunity", tag="search", scope="read", limit="search", errors=HERE)
    async def get(
        self,
        community_id: PathId,
        /,
        q: Query = "",
        room_id: InRoom = None,
        author_id: By = None,
        kind: OfKind = None,
        after: After = None,
        before: Before = None,
        has_link: HasLink = False,
        cursor: Cursor = None,
        limit: Hits = DEFAULT_LIMIT,
    ) -> r200[Page[SearchHit]]:
        """Find in one community; ``in:`` takes names of its rooms.

        A page with a cursor may have fewer hits than asked for, even none: go on with the cursor.
        """
        asked = SearchTexts(
            q=q,
            community_id=community_id,
            room_id=room_id,
            author_id=author_id,
            kind=kind,
            after=after,
            before=before,
            has_link=has_link,
            cursor=cursor,
            limit=limit,
        )
        return page_reply(await self.parts.communities.search.search(self.actor, asked))


class MessagesAroundView(ApiView):
    @rules("listMessagesAround", tag="communities", scope="read", errors=(Code.BANNED, Code.NOT_MEMBER))
    async def get(self, room_id: PathId, /, seq: Around, limit: Messages = 50) -> r200[AroundPage]:
        """Messages around a place, as they are now, the oldest first. Each is shaped as ``message-created``."""
        return reply(await self.parts.communities.reading.around(self.actor, room_id, seq, limit))


VIEWS: dict[str, type[ApiView]] = {
    "/search": SearchView,
    "/communities/{community_id}/search": CommunitySearchView,
    "/rooms/{room_id}/messages/around": MessagesAroundView,
}
