"""A socket door as it would describe itself."""

from __future__ import annotations

from handlers.docs.events import EventDescription
from mypick.notifications.commands import MarkRead
from mypick.notifications.views import NewNotification, NotificationsRead, UnreadCount, UnreadNotifications

_SPACE = "/notifications"
EVENTS = (
    EventDescription(_SPACE, "client-to-server", "mark-read", MarkRead, UnreadCount, False, "Mark as read."),
    EventDescription(_SPACE, "server-to-client", "new-notification", NewNotification, None, True, "Something new."),
    EventDescription(_SPACE, "server-to-client", "unread-notifications", UnreadNotifications, None, False, "First."),
    EventDescription(_SPACE, "server-to-client", "notifications-read", NotificationsRead, None, False, "Elsewhere."),
    EventDescription("/community", "client-to-server", "typing", MarkRead, None, False, "No ack."),
    EventDescription("/community", "server-to-client", "typing", UnreadCount, None, False, "Somebody types."),
)
