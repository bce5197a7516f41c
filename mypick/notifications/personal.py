"""What the inboxes hold of a person: their own, and what those of others quote."""

from __future__ import annotations

from collections.abc import AsyncIterator

from mypick import db
from mypick.notifications.models import Inbox, Notice, Notification, NotificationSettings
from mypick.notifications.streams import inbox_of, notices_of
from mypick.personal.contribution import BATCH, PAGE, Contribution, Rows, Section, Step, delete_batch
from mypick.streams import Streams


def contribution(streams: Streams, erased_name: str) -> Contribution:
    """``erased_name`` takes the place of the person's name where others were told of them."""

    async def quotes(user_id: int, after: int) -> int | None:
        """Nothing said by the person stays in anybody's inbox."""
        quoting = Notice.filter(actor_id=user_id, id__gt=after)
        ids = [row[0] for row in await quoting.order_by("id").limit(BATCH).values_list("id")]
        if ids:
            await Notice.filter(id__in=ids).update(title=erased_name, body="", image_url=None)
        return ids[-1] if len(ids) == BATCH else None

    async def inbox(user_id: int, _: int) -> int | None:
        return await delete_batch(Notification.filter(user_id=user_id))

    async def settings(user_id: int, _: int) -> int | None:
        async with db.transaction():
            await NotificationSettings.filter(user_id=user_id).delete()
            await Inbox.filter(user_id=user_id).delete()
        return None

    async def log(user_id: int, _: int) -> int | None:
        return 0 if await streams.store.forget(inbox_of(user_id), BATCH) else None

    columns = {
        "notice": frozenset({"actor_id"}),
        "notification": frozenset({"user_id"}),
        "inbox": frozenset({"user_id"}),
        "notification_settings": frozenset({"user_id"}),
    }
    return Contribution(
        "notifications",
        columns,
        sections=[
            Section("notifications", "what you were told", "받은 알림", _notifications),
            Section("notification-settings", "kinds that you switched on or off", "알림 설정", _settings),
        ],
        steps=[Step("quotes", quotes), Step("inbox", inbox), Step("settings", settings), Step("inbox log", log)],
    )


async def _notifications(user_id: int) -> AsyncIterator[Rows]:
    last = 0
    mine = Notification.filter(user_id=user_id)
    while rows := await mine.filter(seq__gt=last).order_by("seq").limit(PAGE):
        notices = await notices_of({row.notice_id for row in rows})
        yield [
            {"at": row.created_at, "read_at": row.read_at, **notices.get(row.notice_id, {})} for row in rows
        ]
        last = rows[-1].seq


async def _settings(user_id: int) -> AsyncIterator[Rows]:
    yield await NotificationSettings.filter(user_id=user_id).values("kinds")
