"""``/creators`` and ``/feed``: whom to follow and what they publish."""

from __future__ import annotations

from typing import Annotated

from aiohttp_pydantic.oas.typing import r200, r201
from pydantic import Field

from handlers.replies import page_reply, reply
from handlers.routes.parameters import Cursor, Limit, PathId
from handlers.rules import Access, rules
from handlers.views import ApiView
from mypick.content.views import ContentView
from mypick.creators.commands import AddCreator
from mypick.creators.views import CreatorView, SubscriptionState
from mypick.errors import Code
from mypick.pagination import DEFAULT_LIMIT, Page

Search = Annotated[str | None, Field(max_length=100, description="part of a name, or a handle")]
Category = Annotated[str | None, Field(max_length=40, description="creators of this category only")]


class CreatorsView(ApiView):
    @rules("listCreators", tag="creators", access=Access.PUBLIC, limit="search")
    async def get(
        self,
        q: Search = None,
        category: Category = None,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> r200[Page[CreatorView]]:
        """Search creators, or list them all."""
        return page_reply(await self.parts.creators.list(self.viewer, q, category, cursor, limit))

    @rules(
        "addCreator",
        tag="creators",
        scope="subscriptions:write",
        limit="creator.resolve",
        idempotent=True,
        errors=(Code.NOT_FOUND, Code.UPSTREAM_FAILED, Code.QUOTA_EXHAUSTED),
    )
    async def post(self, command: AddCreator) -> r201[CreatorView]:
        """Bring a creator in. Asking twice for the same channel gives the same creator."""
        return reply(await self.parts.creators.add(self.actor, command), 201)


class OneCreatorView(ApiView):
    @rules("getCreator", tag="creators", access=Access.PUBLIC)
    async def get(self, creator_id: PathId, /) -> r200[CreatorView]:
        """One creator."""
        return reply(await self.parts.creators.get(self.viewer, creator_id))


class CreatorVideosView(ApiView):
    @rules("listCreatorVideos", tag="creators", access=Access.PUBLIC)
    async def get(
        self, creator_id: PathId, /, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
    ) -> r200[Page[ContentView]]:
        """What a creator published, newest first."""
        return page_reply(await self.parts.contents.of_creator(creator_id, cursor, limit))


class SubscribeView(ApiView):
    @rules(
        "subscribe",
        tag="creators",
        scope="subscriptions:write",
        limit="subscribe",
        idempotent=True,
        errors=(Code.FULL,),
    )
    async def post(self, creator_id: PathId, /) -> r201[SubscriptionState]:
        """Follow a creator. Twice is no error."""
        return reply(await self.parts.creators.subscribe(self.actor, creator_id), 201)

    @rules("unsubscribe", tag="creators", scope="subscriptions:write", limit="subscribe", idempotent=True)
    async def delete(self, creator_id: PathId, /) -> r200[SubscriptionState]:
        """Follow no longer. Twice is no error."""
        return reply(await self.parts.creators.unsubscribe(self.actor, creator_id))


class FeedView(ApiView):
    @rules("getFeed", tag="feed", scope="read")
    async def get(self, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT) -> r200[Page[ContentView]]:
        """The newest content of the creators that the asker follows."""
        return page_reply(await self.parts.contents.feed(self.actor, cursor, limit))


VIEWS: dict[str, type[ApiView]] = {
    "/creators": CreatorsView,
    "/creators/{creator_id}": OneCreatorView,
    "/creators/{creator_id}/videos": CreatorVideosView,
    "/creators/{creator_id}/subscribe": SubscribeView,
    "/feed": FeedView,
}
