"""Two nodes over one database, jobs that are worked, and a client that knows only what the wire tells it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from mypick.accounts.actor import Actor
from mypick.accounts.models import User
from mypick.bus.memory import MemoryExchange
from mypick.clock import Clock
from mypick.jobs.backoff import BackOff
from mypick.jobs.claims import Claims
from mypick.jobs.lanes import lane_of
from mypick.jobs.work import Handler
from mypick.jobs.work import Kind as JobKind
from mypick.notifications.announcements import TELL
from mypick.notifications.fan_out import FanOut
from mypick.notifications.models import Notice, Notification
from mypick.watchparty.entry.reminders import REMIND
from mypick.watchparty.queue.queue import SHOW_VOTES
from tests.notifications.stage import Present
from tests.realtime.node import Node, running


@asynccontextmanager
async def two_nodes(clock: Clock, **options: Any) -> AsyncIterator[list[Node]]:
    exchange = MemoryExchange()
    async with running(clock, exchange, "a", **options) as one, running(clock, exchange, "b", **options) as other:
        yield [one, other]


async def somebody(name: str, clock: Clock, *, role: str = "fan", locale: str = "en") -> Actor:
    """A person without a socket."""
    row = await User.create(
        email=f"{name}@example.com",
        password_hash="",
        display_name=name,
        role=role,
        locale=locale,
        settings={},
        created_at=clock.now(),
    )
    return Actor(user_id=row.id, role=role, session_id=1, scopes=None, expires_at=None)


def handlers_of(node: Node) -> dict[str, Handler]:
    fan_out = FanOut(node.streams, Present(), node.clock)
    return {
        TELL: fan_out.tell_named,
        SHOW_VOTES: node.parties.queue.show_votes,
        REMIND: node.parties.reminders.run,
    }


def claims_of(node: Node, handlers: Mapping[str, Handler] | None = None) -> Claims:
    back_off = BackOff(1.0, 300.0)
    found = handlers_of(node) if handlers is None else handlers
    kinds = {name: JobKind(name, handler, 1, 20, 60.0, 3600.0, back_off) for name, handler in found.items()}
    return Claims(node.clock, kinds)


async def carry(node: Node) -> int:
    """Do what is due, as a worker does. How many jobs."""
    claims, done = claims_of(node), 0
    while claim := await claims.claim(lane_of(1)) or await claims.claim(lane_of(5)):
        await claim.kind.handler(claim.work)
        await claims.finish(claim.work)
        done += 1
    return done


async def told(user_id: int) -> list[tuple[str, str]]:
    """Kind and title of what somebody was told, the oldest first."""
    rows = await Notification.filter(user_id=user_id).order_by("seq")
    notices = {row.id: row for row in await Notice.filter(id__in=[row.notice_id for row in rows])}
    return [(notices[row.notice_id].kind, notices[row.notice_id].title) for row in rows]


class QueueClient:
    """What a client makes of a queue: a snapshot, and then nothing but the events that it is sent."""

    def __init__(self, items: list[dict[str, Any]]) -> None:
        self._items = {item["id"]: dict(item) for item in items}

    def apply(self, data: Mapping[str, Any]) -> None:
        if data["item"] is not None:
            self._items[data["item"]["id"]] = dict(data["item"])
        for item_id in data["item_ids"]:
            self._items.pop(item_id, None)
        for one in data["votes"]:
            if one["item_id"] in self._items:
                self._items[one["item_id"]]["votes"] = one["votes"]

    @property
    def shown(self) -> list[tuple[int, int]]:
        """Ids and votes as they will be played."""
        ordered = sorted(self._items.values(), key=lambda item: (-item["votes"], item["place"]))
        return [(item["id"], item["votes"]) for item in ordered]
