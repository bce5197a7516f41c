"""The namespace ``/notifications``: one person's inbox, live."""

from __future__ import annotations

from mypick.notifications.commands import MarkRead
from mypick.notifications.service import Notifications
from mypick.notifications.streams import PREFIX, inbox_of
from mypick.notifications.views import (
    NewNotification,
    NotificationsRead,
    UnreadCount,
    UnreadNotifications,
)
from realtime.connection import Connection
from realtime.namespace import Namespace
from realtime.parts import Parts
from realtime.registry import ServerEvent, command


class NotificationsNamespace(Namespace):
    name = "/notifications"
    streams = PREFIX
    sends = (
        *Namespace.sends,
        ServerEvent("unread-notifications", UnreadNotifications, False, "Sent on connect and after a reset."),
        ServerEvent("new-notification", NewNotification, True, "Something new in the inbox."),
        ServerEvent("notifications-read", NotificationsRead, False, "Read on another device."),
    )

    def __init__(self, parts: Parts, notifications: Notifications) -> None:
        super().__init__(parts)
        self._notifications = notifications

    async def start(self, conn: Connection) -> None:
        await self._show_inbox(conn, inbox_of(conn.actor.user_id))

    async def may_read(self, conn: Connection, stream: str) -> bool:
        return stream == inbox_of(conn.actor.user_id)

    async def snapshot(self, conn: Connection, stream: str) -> None:
        await self._show_inbox(conn, stream)

    async def _show_inbox(self, conn: Connection, stream: str) -> None:
        """Let the client in with what is unread, or send it that anew in its place."""
        await self.members.join(
            conn,
            stream,
            lambda: self._notifications.arrival(conn.actor),
            lambda unread: self.send(conn, "unread-notifications", unread),
        )

    @command("mark-read", scope="notifications:write")
    async def mark_read(self, conn: Connection, cmd: MarkRead) -> UnreadCount:
        """Mark notifications as read, up to a seq or by their ids; the user's other sockets hear of it."""
        return await self._notifications.mark_read(conn.actor, cmd, socket=conn.sid)
