"""``/notifications``: the inbox without a socket."""

from __future__ import annotations

from typing import Annotated

from aiohttp_pydantic.oas.typing import r200
from pydantic import Field

from handlers.replies import page_reply, reply
from handlers.routes.parameters import Cursor, Limit
from handlers.rules import rules
from handlers.views import ApiView
from mypick.notifications.commands import MarkRead, UpdateNotificationSettings
from mypick.notifications.views import InboxPage, NotificationSettingsView, UnreadCount
from mypick.pagination import DEFAULT_LIMIT

Unread = Annotated[bool | None, Field(description="true: only unread ones; false: only read ones; none: all")]


class NotificationsView(ApiView):
    @rules("listNotifications", tag="notifications", scope="read")
    async def get(
        self, unread: Unread = None, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
    ) -> r200[InboxPage]:
        """The inbox, newest first; ``metadata`` says where its stream stands."""
        found = await self.parts.notifications.list(self.actor, unread, cursor, limit)
        return page_reply(found.page, found.state)


class ReadView(ApiView):
    @rules("markRead", tag="notifications", scope="notifications:write", idempotent=True)
    async def post(self, command: MarkRead) -> r200[UnreadCount]:
        """Mark as read: everything up to a place, or the named ones."""
        return reply(await self.parts.notifications.mark_read(self.actor, command))


class NotificationSettingsRoute(ApiView):
    @rules("getNotificationSettings", tag="notifications", scope="read")
    async def get(self) -> r200[NotificationSettingsView]:
        """Which kinds the asker wants."""
        return reply(await self.parts.notifications.settings(self.actor))

    @rules("updateNotificationSettings", tag="notifications", scope="notifications:write", idempotent=True)
    async def patch(self, command: UpdateNotificationSettings) -> r200[NotificationSettingsView]:
        """Want a kind, or want it no longer. Kinds that are left out stay as they are."""
        return reply(await self.parts.notifications.update_settings(self.actor, command))


VIEWS: dict[str, type[ApiView]] = {
    "/notifications": NotificationsView,
    "/notifications/read": ReadView,
    "/notifications/settings": NotificationSettingsRoute,
}
