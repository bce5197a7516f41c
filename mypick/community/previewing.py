"""Previews of the links in messages: asked for in the transaction of the message, found by a worker, told as an event.

A preview belongs to its message and goes with it. The page's picture is not shown: from its own server it would tell
that server who reads here, and through ours it would have to be unpacked and made anew to be safe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tortoise.models import Model

from mypick.community.models import Message, MessagePreview, Room
from mypick.community.streams import PREVIEWED, room_of
from mypick.jobs.queue import Jobs
from mypick.jobs.work import Work
from mypick.previews.fetching import Found
from mypick.previews.links import first_link
from mypick.previews.service import Previews, forget_links
from mypick.streams import Append, Event, NewEvent, Streams

PREVIEW = "community.preview"
PRIORITY = 6  # behind all that people wait for
TRIES = 5


async def ask_for_preview(jobs: Jobs, message_id: int, *texts: str) -> bool:
    """``ask`` of a message."""
    return await ask(jobs, PREVIEW, {"message_id": message_id}, texts)


async def ask(jobs: Jobs, job: str, args: Mapping[str, int], texts: Sequence[str]) -> bool:
    """In the transaction that writes a text: let a worker see what its link leads to. ``texts``: the new one, and the
    one that it replaces. Whether there is something to be seen: then ``jobs.wake(job)`` after the commit."""
    if not any(first_link(text) for text in texts):
        return False
    await jobs.enqueue(job, args, priority=PRIORITY)
    return True


class Previewing:
    """Handles the job ``community.preview`` with args ``{"message_id"}``: brings the preview of a message to what its
    text says now. Run again it changes nothing."""

    def __init__(self, streams: Streams, previews: Previews) -> None:
        self._streams = streams
        self._previews = previews

    async def run(self, work: Work) -> None:
        message = await Message.get_or_none(id=work.args["message_id"])
        if message is None or message.deleted_at:
            return
        room = await Room.get(id=message.room_id)
        url = first_link(message.text) if room.previews else None
        found = await self._previews.of(url) if url else None
        await self._tell(message, url, found)

    async def _tell(self, message: Message, url: str | None, found: Found | None) -> None:
        stream = room_of(message.room_id)

        async def decide() -> Sequence[NewEvent]:
            now = await Message.get(id=message.id)
            room = await Room.get(id=message.room_id)
            if now.deleted_at and url:
                await forget_links([url])
            if now.deleted_at or (first_link(now.text) if room.previews else None) != url:
                return ()  # edited meanwhile, or switched off: another job knows, or none is wanted
            if not await keep(MessagePreview, {"message_id": message.id}, url, found):
                return ()
            return [NewEvent(stream, PREVIEWED, {"message_id": message.id}, ref=message.id)]

        async def effect(events: Sequence[Event]) -> None:
            for event in events:
                await Message.filter(id=message.id).update(changed_seq=event.seq)

        await self._streams.append(Append(streams=[stream], decide=decide, effect=effect))


async def keep(table: type[Model], whose: Mapping[str, int], url: str | None, found: Found | None) -> bool:
    """Under the lock of the text: let its row of ``table`` be what was found behind ``url``, and no row where there is
    nothing to show. Whether that changed anything."""
    wanted = None if found is None or url is None else _columns(url, found)
    shown = await table.filter(**whose).values(*_COLUMNS)
    if wanted == (shown[0] if shown else None):
        return False
    await table.filter(**whose).delete()
    if wanted:
        row: dict[str, Any] = {**whose, **wanted}
        await table.create(**row)
    return True


_COLUMNS = ("url", "kind", "title", "description", "site")


def _columns(url: str, found: Found) -> dict[str, Any]:
    """What a table keeps of it, and clients are shown."""
    shown = (url, found.kind, found.title[:200], found.description[:300], found.site[:100])
    return dict(zip(_COLUMNS, shown, strict=True))
