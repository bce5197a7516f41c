"""Nodes with parties and without sockets: their services over a database and a bus that all share."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.accounts.models import User
from mypick.bus import Bus, MemoryBus, MemoryExchange, RedisBus
from mypick.clock import Clock
from mypick.community.service import Communities
from mypick.content.models import Content
from mypick.content.service import Contents
from mypick.control import Eviction
from mypick.creators.service import Creators
from mypick.creators.videos import Videos
from mypick.endings import end
from mypick.ids import Ids
from mypick.jobs.queue import Jobs
from mypick.limits import Limits
from mypick.metrics import Metrics
from mypick.shared_clock import SharedClock
from mypick.streams import Streams
from mypick.watchparty.commands import OpenParty, Ready, Steer
from mypick.watchparty.leads import DelayBoard, NoBoard
from mypick.watchparty.models import WatchParty
from mypick.watchparty.service import WatchParties
from mypick.watchparty.streams import party_stream
from mypick.watchparty.telemetry import NoTelemetryBoard
from mypick.watchparty.timeline import Timeline
from mypick.watchparty.turn import timeline_of
from mypick.watchparty.views import PartyDetails
from tests.fakes import NoChannels
from tests.watchparty.stage import cid, video


class Process:
    """One process."""

    def __init__(self, name: str, clock: Clock, bus: Bus, delays: DelayBoard | None = None) -> None:
        self.name, self.clock, self.bus = name, clock, bus
        self.metrics = Metrics.unread()
        ids = Ids()
        self.streams = Streams(
            bus=bus,
            ids=ids,
            clock=clock,
            people=people.people,
            node=name,
            rng=random.Random(1),
            metrics=self.metrics,
        )
        self.evicted: list[Eviction] = []
        self.shared = SharedClock(clock)
        jobs, limits, contents = Jobs(clock, work=False), Limits(clock=clock), Contents(clock)
        communities = Communities(
            self.streams,
            people.people,
            clock=clock,
            ids=ids,
            jobs=jobs,
            meter=limits.meter("community.send"),
            evict=self._evict,
            look=self._look,
            proofs=NoChannels(),
        )
        self.parties = WatchParties(
            self.streams,
            contents,
            node=name,
            clock=clock,
            shared=self.shared,
            ids=ids,
            delays=delays or NoBoard(),
            telemetry=NoTelemetryBoard(),
            jobs=jobs,
            videos=Videos({}, Creators({}, clock, jobs), contents, limits=limits, jobs=jobs, ids=ids, clock=clock),
            rules=communities.elsewhere,
            limits=limits,
            secret="s" * 40,
            evict=self._evict,
            look=self._look,
            metrics=self.metrics,
        )
        self._appender: asyncio.Task[None] | None = None

    async def _evict(self, eviction: Eviction) -> None:
        self.evicted.append(eviction)

    async def _look(self) -> None: ...

    async def start(self) -> None:
        await self.bus.start(self.streams.delivery.on_message, self.streams.delivery.look_now)
        self._appender = asyncio.create_task(self.streams.appender.run())

    async def close(self) -> None:
        if self._appender:
            await end(self._appender)
        await self.streams.delivery.close()
        await self.bus.close()

    # what a namespace does for a socket

    async def arrive(self, who: Actor, party_id: int) -> None:
        """A socket of theirs comes into the party on this node."""
        watchers, stream = self.parties.watchers, party_stream(party_id)
        watchers.coming(party_id, who.user_id)
        try:
            await self.parties.members.enter(who, party_id)
            _, joined = await self.parties.reading.join(who, party_id, None, None)
            watchers.joined(stream, who.user_id)
        finally:
            watchers.came(party_id, who.user_id)
        watchers.know(stream, joined.party.host.id if joined.party.host else None, joined.timeline)
        self.alive(who, party_id)

    def alive(self, who: Actor, party_id: int) -> None:
        """A pong of theirs."""
        self.parties.watchers.heard(party_stream(party_id), who.user_id, self.shared.now_ms())

    def vanish(self, who: Actor, party_id: int) -> None:
        """Their socket closes."""
        self.parties.watchers.left(party_stream(party_id), who.user_id)

    async def steer(self, who: Actor, party_id: int, op: str, base_seq: int, **fields: Any) -> int:
        fields = {"cid": cid(), **fields}
        command = Steer.model_validate({"party_id": party_id, "base_seq": base_seq, "op": op, **fields})
        return (await self.parties.playing.steer(who, command)).seq

    async def ready(self, who: Actor, party_id: int, seq: int, state: Any = "ready") -> None:
        await self.parties.playing.ready(who, Ready(party_id=party_id, seq=seq, state=state))

    async def tick(self) -> None:
        await self.parties.keeper.tick()


@asynccontextmanager
async def processes(clock: Clock, *names: str, redis_url: str = "") -> AsyncIterator[list[Process]]:
    exchange = MemoryExchange()
    async with AsyncExitStack() as stack:
        opened = []
        for name in names:
            bus: Bus = RedisBus(redis_url, canary_every=0.2, canary_within=0.5) if redis_url else MemoryBus(exchange)
            process = Process(name, clock, bus)
            await process.start()
            stack.push_async_callback(process.close)
            opened.append(process)
        yield opened


async def person(name: str, clock: Clock, role: str = "fan") -> Actor:
    row = await User.create(
        email=f"{name}@example.com", password_hash="", display_name=name, role=role, settings={}, created_at=clock.now()
    )
    return Actor(user_id=row.id, role=role, session_id=1, scopes=None, expires_at=None)


async def opened(node: Process, host: Actor, content: Content | None = None, **fields: Any) -> PartyDetails:
    content = content or await video(node.clock)
    command = OpenParty.model_validate({"content_id": content.id, "visibility": "public", **fields})
    return await node.parties.parties.open(host, command)


async def timeline(party_id: int) -> Timeline:
    """As the row has it."""
    return timeline_of(await WatchParty.get(id=party_id))


async def log_of(node: Process, party_id: int) -> Sequence[dict[str, Any]]:
    """All events of the party, as a client reads them."""
    events: list[dict[str, Any]] = []
    while True:
        page = await node.streams.store.resume(party_stream(party_id), None, len(events))
        events += page["events"]
        if not page["more"]:
            return events


async def replayed(node: Process, party_id: int) -> dict[str, Any]:
    """The timeline that a client has which has applied nothing but the log."""
    last: dict[str, Any] = {}
    for number, event in enumerate(await log_of(node, party_id), 1):
        assert event["seq"] == number, "gapless"
        if event["type"] == "timeline":
            last = {**event["data"], "epoch": event["epoch"], "seq": event["seq"]}
    return last
