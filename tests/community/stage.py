"""Nodes with communities, the people in them, and a client that knows only what the wire tells it."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.accounts.models import User
from mypick.bus.memory import MemoryBus, MemoryExchange
from mypick.clock import Clock
from mypick.community.commands import SendMessage
from mypick.community.desk.purges import PURGE
from mypick.community.desk.touches import DESK
from mypick.community.discussions.counts import TELL_COUNTS
from mypick.community.models import Community, Membership, Room
from mypick.community.policy import Role
from mypick.community.reactions import SHOW_REACTIONS
from mypick.community.service import Communities
from mypick.community.streams import room_of
from mypick.community.views import MessageSent
from mypick.control import Eviction
from mypick.creators.models import Creator
from mypick.endings import end
from mypick.errors import Code, DomainError
from mypick.ids import Ids
from mypick.jobs.backoff import BackOff
from mypick.jobs.claims import Claims
from mypick.jobs.lanes import lane_of
from mypick.jobs.queue import Jobs
from mypick.jobs.work import Handler
from mypick.jobs.work import Kind as JobKind
from mypick.limits import Limits
from mypick.metrics import Metrics
from mypick.notifications.announcements import TELL
from mypick.notifications.fan_out import FanOut
from mypick.notifications.service import Notifications
from mypick.streams import Streams
from tests.notifications.stage import Present

_cids = itertools.count(1)


def cid() -> str:
    return f"c{next(_cids)}"


class Channels:
    """What the creators' channels show."""

    def __init__(self) -> None:
        self.about = ""

    async def addresses(self, creator_ids: Collection[int]) -> dict[int, list[str]]:
        return {creator_id: [f"https://tube.example/{creator_id}"] for creator_id in creator_ids}

    async def shown(self, creator_id: int, text: str) -> bool:
        return text in self.about


class Node:
    """One process: its own services, over the database and exchange that all nodes share."""

    def __init__(self, name: str, clock: Clock, exchange: MemoryExchange, *, sends: str = "1000000/1s") -> None:
        self.bus = MemoryBus(exchange)
        self.metrics = Metrics.unread()
        ids = Ids()
        self.streams = Streams(
            bus=self.bus,
            ids=ids,
            clock=clock,
            people=people.people,
            node=name,
            rng=random.Random(1),
            metrics=self.metrics,
        )
        self.notifications = Notifications(self.streams, clock)
        jobs = Jobs(clock, work=False)
        fan_out = FanOut(self.streams, Present(), clock)
        jobs.register(TELL, fan_out.tell_named, priority=1, max_attempts=20)
        self.evicted: list[Eviction] = []
        self.looks = 0
        self.channel = Channels()
        limits = Limits(clock=clock, overrides={"community.send": sends})
        self.communities = Communities(
            self.streams,
            people.people,
            clock=clock,
            ids=ids,
            jobs=jobs,
            meter=limits.meter("community.send"),
            evict=self._evict,
            look=self._look,
            proofs=self.channel,
        )
        handlers = {
            TELL: fan_out.tell_named,
            SHOW_REACTIONS: self.communities.reactions.show,
            TELL_COUNTS: self.communities.discussions.counts.run,
        }
        jobs.register(SHOW_REACTIONS, handlers[SHOW_REACTIONS], priority=1)
        self._claims = Claims(clock, _kinds(handlers))
        for_desk = {DESK: self.communities.desk.tell, PURGE: self.communities.purges.run}
        self._desk_claims = Claims(clock, _kinds(for_desk))
        self._appender: asyncio.Task[None] | None = None

    async def _evict(self, eviction: Eviction) -> None:
        self.evicted.append(eviction)

    async def _look(self) -> None:
        self.looks += 1

    async def start(self) -> None:
        await self.bus.start(self.streams.delivery.on_message, self.streams.delivery.look_now)
        self._appender = asyncio.create_task(self.streams.appender.run())

    async def close(self) -> None:
        if self._appender:
            await end(self._appender)
        await self.streams.delivery.close()
        await self.bus.close()

    @asynccontextmanager
    async def gathering(self) -> AsyncIterator[None]:
        """What is appended inside waits, and is then written as one group."""
        assert self._appender
        await end(self._appender)
        try:
            yield
        finally:
            self._appender = asyncio.create_task(self.streams.appender.run())

    async def carry_all(self) -> int:
        """Do what is due, as a worker does, but for the desk. How many jobs."""
        return await _carry(self._claims)

    async def carry_desk(self) -> int:
        """Do what is due for the moderators' desk, purges among it. How many jobs."""
        return await _carry(self._desk_claims, 4) + await _carry(self._desk_claims)

    async def send(self, who: Actor, room: int, text: str, *, reply_to: int | None = None) -> MessageSent:
        command = SendMessage(room_id=room, cid=cid(), text=text, reply_to=reply_to)
        return await self.communities.messages.send(who, command)

    async def snapshot(self, who: Actor, room: int) -> dict[str, Any]:
        """The room as a client has it that comes in fresh."""
        client = RoomClient(self, who, room)
        await client.join()
        return client.state()


def _kinds(handlers: Mapping[str, Handler]) -> dict[str, JobKind]:
    back_off = BackOff(1.0, 300.0)
    return {name: JobKind(name, handler, 1, 20, 60.0, 3600.0, back_off) for name, handler in handlers.items()}


async def _carry(claims: Claims, priority: int = 1) -> int:
    done = 0
    while claim := await claims.claim(lane_of(priority)):
        await claim.kind.handler(claim.work)
        await claims.finish(claim.work)
        done += 1
    return done


@asynccontextmanager
async def nodes(clock: Clock, *names: str, **options: Any) -> AsyncIterator[list[Node]]:
    exchange = MemoryExchange()
    opened = [Node(name, clock, exchange, **options) for name in names]
    for node in opened:
        await node.start()
    try:
        yield opened
    finally:
        for node in opened:
            await node.close()


class Cast:
    """People of a community by their names; those named for a role have it."""

    def __init__(self, community: int, room: int, creator: int) -> None:
        self.community, self.room, self.creator = community, room, creator
        self._people: dict[str, Actor] = {}

    def __getitem__(self, name: str) -> Actor:
        return self._people[name]

    def add(self, name: str, actor: Actor) -> Actor:
        self._people[name] = actor
        return actor


async def user(name: str, clock: Clock, role: str = "fan") -> Actor:
    row = await User.create(
        email=f"{name}@example.com", password_hash="", display_name=name, role=role, settings={}, created_at=clock.now()
    )
    return Actor(user_id=row.id, role=role, session_id=1, scopes=None, expires_at=None)


async def community(
    node: Node, clock: Clock, *names: str, visibility: str = "public", roles: Mapping[str, Role] | None = None
) -> Cast:
    """A community with its room. ``names`` are members for long; ``roles`` gives some another role, and whoever is
    ``NEWCOMER`` there is a guest."""
    creator = await Creator.create(name="somebody", description="", created_at=clock.now())
    community_id = await node.communities.open_for(creator.id)
    await Community.filter(id=community_id).update(visibility=visibility)
    room = await Room.get(community_id=community_id)
    cast = Cast(community_id, room.id, creator.id)
    for name in names:
        role = (roles or {}).get(name, Role.MEMBER)
        actor = cast.add(name, await user(name, clock, "admin" if role is Role.ADMIN else "fan"))
        if Role.MEMBER <= role <= Role.OWNER:
            await Membership.create(
                community_id=community_id, user_id=actor.user_id, rank=role, joined_at=clock.now().replace(year=2020)
            )
    return cast


class RoomClient:
    """What a client makes of a room: a snapshot, and then nothing but the events that it is sent."""

    def __init__(self, node: Node, who: Actor, room: int) -> None:
        self._node, self._who, self._room = node, who, room
        self.messages: dict[int, dict[str, Any]] = {}
        self.mode: dict[str, Any] = {}
        self.sanctions: list[tuple[int, str]] = []
        self.roles: dict[int, str] = {}
        self.community: dict[str, Any] = {}
        self.epoch, self.seq = "", 0

    async def join(self) -> None:
        _, joined = await self._node.communities.reading.join(self._who, self._room, None, None)
        assert joined.reset
        self.messages = {event["data"]["message_id"]: dict(event["data"]) for event in joined.events}
        self.mode = joined.mode.model_dump()
        self.epoch, self.seq = joined.epoch, joined.head_seq

    async def catch_up(self) -> None:
        """What was missed, and nothing else."""
        while True:
            answer = await self._node.streams.store.resume(room_of(self._room), self.epoch, self.seq, 7)
            assert not answer["reset"]
            for event in answer["events"]:
                self.apply(event)
            if not answer["more"]:
                return

    def apply(self, event: Mapping[str, Any]) -> None:
        assert event["seq"] == self.seq + 1, "events come in order and without a gap"
        self.seq = event["seq"]
        data = event["data"]
        message = self.messages.get(data.get("message_id"), {})
        match event["type"]:
            case "message-created":
                self.messages[data["message_id"]] = dict(data)
            case "message-edited":
                message.update(data)
            case "message-deleted":
                message.update(text="", deleted=True, mentions=[], reactions=[], pinned=False, preview=None)
            case "reaction-changed":
                message.update(reactions=[] if message.get("deleted") else data["reactions"])
            case "preview-changed":
                message.update(preview=None if message.get("deleted") else data["preview"])
            case "message-pinned":
                message.update(pinned=data["on"] and not message.get("deleted"))
            case "room-mode-changed":
                self.mode = dict(data)
            case "member-sanctioned":
                self.sanctions.append((data["user_id"], data["kind"]))
            case "role-changed":
                self.roles.update({one["user_id"]: one["role"] for one in data["roles"]})
            case "community-changed":
                self.community = dict(data)
            case unknown:
                raise AssertionError(f"a client does not know {unknown}")

    def state(self) -> dict[str, Any]:
        return {"messages": self.messages, "mode": self.mode}


async def texts(node: Node, who: Actor, room: int) -> Sequence[str]:
    """What can be read in the room now, the oldest first."""
    history = await node.communities.reading.history(who, room, 2**53 - 1, 100)
    return [event["data"]["text"] for event in history.events]


def code(outcome: Any) -> Code | None:
    return outcome.code if isinstance(outcome, DomainError) else None


async def refused(awaitable: Awaitable[Any]) -> DomainError:
    with pytest.raises(DomainError) as caught:
        await awaitable
    return caught.value
