"""The inbox of one person: what is in it, what has been read, and what is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from tortoise.exceptions import IntegrityError

from mypick import db
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.notifications.arrivals import Arrival, Arrivals
from mypick.notifications.commands import MarkRead, UpdateNotificationSettings
from mypick.notifications.fan_out import EVENT
from mypick.notifications.models import Inbox, Notification, NotificationSettings
from mypick.notifications.streams import data_of, inbox_of, notices_of, render_new_notification
from mypick.notifications.views import (
    InboxPage,
    InboxState,
    KindsWanted,
    NewNotification,
    NotificationData,
    NotificationSettingsView,
    NotificationView,
    UnreadCount,
    UnreadNotifications,
)
from mypick.pagination import decode_cursor, encode_cursor, page_of
from mypick.streams import Append, NewEvent, Streams
from mypick.streams.events import Position

KEEP_READ = timedelta(days=90)
PURGE_CHUNK = 5_000
_LIST = "notifications"


class Notifications:
    """All that a user does with the own inbox, for both doors."""

    def __init__(self, streams: Streams, clock: Clock) -> None:
        self._streams = streams
        self._clock = clock
        self._arrivals = Arrivals(streams.store)
        streams.store.render(EVENT, render_new_notification)

    async def unread(self, actor: Actor) -> UnreadNotifications:
        """What a socket is sent when it connects: the newest unread items and where the stream stands."""
        return UnreadNotifications.model_validate((await self.arrival(actor))[1])

    async def arrival(self, actor: Actor) -> Arrival:
        """``unread`` as it is sent, with the position of the inbox up to whose head it is true."""
        return await self._arrivals.unread(actor.user_id)

    async def list(self, actor: Actor, unread: bool | None, cursor: str | None, limit: int) -> InboxPage:
        """The inbox, newest first. ``unread`` true or false narrows it, None shows all."""
        position, unread_count = await self._state(actor)
        query = Notification.filter(user_id=actor.user_id)
        if unread is not None:
            query = query.filter(read_at__isnull=unread)
        if cursor is not None:
            (before,) = decode_cursor(cursor, _LIST, int)
            query = query.filter(seq__lt=before)
        rows = await query.order_by("-seq").limit(limit + 1)
        events = {event.id: event for event in await _events(rows[:limit], position, unread_count)}

        def show(row: Notification) -> NotificationView:
            return NotificationView(**dict(events[row.id]), read=row.read_at is not None)

        return InboxPage(
            page=page_of(rows, limit, show, lambda row: encode_cursor(_LIST, row.seq)),
            state=InboxState(
                unread_count=unread_count, stream=position.key, epoch=position.epoch, head_seq=position.head_seq
            ),
        )

    async def mark_read(self, actor: Actor, command: MarkRead, *, socket: str = "") -> UnreadCount:
        """Mark what is named as read, and tell the user's sockets other than ``socket``. Marking twice changes
        nothing."""
        stream = inbox_of(actor.user_id)
        counted: list[int] = []

        async def decide() -> Sequence[NewEvent]:
            unread = Notification.filter(user_id=actor.user_id, read_at=None)
            by_ids = "ids" in command.model_fields_set
            named = unread.filter(id__in=command.ids) if by_ids else unread.filter(seq__lte=command.upto_seq)
            changed = await named.update(read_at=self._clock.now())
            if changed:
                remaining = await unread.count()
                await Inbox.filter(user_id=actor.user_id).update(unread_count=remaining)
            else:
                inbox = await Inbox.get_or_none(user_id=actor.user_id)
                remaining = inbox.unread_count if inbox else 0
            counted[:] = [remaining, changed]
            return ()

        await self._streams.append_alone(Append(streams=[stream], decide=decide))
        remaining, changed = counted
        if changed:
            named = command.model_dump(exclude_unset=True)
            await self._streams.signal(stream, "notifications-read", {**named, "unread_count": remaining}, but=socket)
        return UnreadCount(unread_count=remaining)

    async def purge(self) -> int:
        """Remove what was read long ago, in transactions of at most ``PURGE_CHUNK`` rows; how many. What is unread
        stays: it is counted."""
        removed = 0
        old = Notification.filter(read_at__lt=self._clock.now() - KEEP_READ)
        while ids := [row[0] for row in await old.order_by("id").limit(PURGE_CHUNK).values_list("id")]:
            removed += await Notification.filter(id__in=ids).delete()
        return removed

    async def settings(self, actor: Actor) -> NotificationSettingsView:
        row = await NotificationSettings.get_or_none(user_id=actor.user_id)
        return _settings(row.kinds if row else {})

    async def update_settings(self, actor: Actor, command: UpdateNotificationSettings) -> NotificationSettingsView:
        """Change the kinds that are named; the others stay."""
        changes = command.kinds.changes()
        try:
            return await self._change_settings(actor.user_id, changes)
        except IntegrityError:  # two first changes at once: the row is there now
            return await self._change_settings(actor.user_id, changes)

    async def _change_settings(self, user_id: int, changes: dict[str, bool]) -> NotificationSettingsView:
        async with db.transaction():
            row = await NotificationSettings.filter(user_id=user_id).select_for_update().first()
            if row is None:
                row = await NotificationSettings.create(user_id=user_id, kinds=changes)
            else:
                row.kinds = {**row.kinds, **changes}
                await row.save(update_fields=["kinds"])
        return _settings(row.kinds)

    async def _state(self, actor: Actor) -> tuple[Position, int]:
        """Where the inbox stands and how much of it is unread, both of one moment: one statement."""
        key = inbox_of(actor.user_id)
        ids = await self._streams.store.ids_of([key])
        stream = "`stream`" if db.dialect() == "mysql" else '"stream"'
        rows = await db.connection().execute_query_dict(
            "SELECT s.id, s.epoch, s.head_seq, s.floor_seq, COALESCE(i.unread_count, 0) AS unread_count "  # noqa: S608
            f"FROM {stream} s LEFT JOIN inbox i ON i.user_id = {actor.user_id:d} WHERE s.id = {ids[key]:d}"
        )
        row = rows[0]
        return Position(row["id"], key, row["epoch"], row["head_seq"], row["floor_seq"]), row["unread_count"]


async def _events(rows: Sequence[Notification], position: Position, unread_count: int) -> list[NewNotification]:
    notices = await notices_of({row.notice_id for row in rows}) if rows else {}
    return [
        NewNotification(
            stream=position.key,
            epoch=position.epoch,
            seq=row.seq,
            id=row.id,
            at=row.created_at,
            data=NotificationData.model_validate(data_of(notices.get(row.notice_id), unread_count)),
        )
        for row in rows
    ]


def _settings(kinds: dict[str, Any]) -> NotificationSettingsView:
    return NotificationSettingsView(
        kinds=KindsWanted.model_validate({name: kinds.get(name, True) for name in KINDS})
    )


KINDS = tuple(field.alias or name for name, field in KindsWanted.model_fields.items())
