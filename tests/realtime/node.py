"""One process with its socket door open, and the people who come through it."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from mypick.accounts import queries as people
from mypick.accounts.commands import CreateApiKey, LogIn, Register
from mypick.accounts.device import Device
from mypick.accounts.passwords import Passwords
from mypick.accounts.service import Accounts
from mypick.accounts.tokens import Tokens
from mypick.accounts.views import Authentication
from mypick.addresses import client_address
from mypick.bus import Bus
from mypick.bus.memory import MemoryBus, MemoryExchange
from mypick.clock import Clock
from mypick.community.service import Communities
from mypick.content.service import Contents
from mypick.control import Control
from mypick.creators.service import POLL, Creators
from mypick.creators.videos import Videos
from mypick.errors import DomainError
from mypick.ids import Ids
from mypick.jobs.queue import Jobs
from mypick.jobs.work import Work
from mypick.limits import Limits, place_of
from mypick.metrics import Metrics
from mypick.notifications.announcements import TELL
from mypick.notifications.fan_out import EVENT, _one_more_unread
from mypick.notifications.models import Notice, Notification
from mypick.notifications.service import Notifications
from mypick.notifications.streams import inbox_of
from mypick.presence import MOVED, Board, MemoryBoard, MemoryPresence, RoomPresence
from mypick.shared_clock import SharedClock
from mypick.streams import Append, Event, NewEvent, Streams
from mypick.watchparty.entry.reminders import REMIND
from mypick.watchparty.leads import DelayBoard, NoBoard
from mypick.watchparty.queue.queue import SHOW_VOTES
from mypick.watchparty.service import WatchParties
from mypick.watchparty.telemetry import NoTelemetryBoard, TelemetryBoard
from mypick.wire import Command, View
from realtime.community import CommunityNamespace
from realtime.connection import Connection, Connections
from realtime.engine.bounds import Bounds
from realtime.engine.handshake import Handshakes
from realtime.engine.messages import event
from realtime.engine.server import Engine
from realtime.notifications import NotificationsNamespace
from realtime.parts import Parts
from realtime.registry import command
from realtime.server import SocketDoor
from realtime.watchparty import WatchPartyNamespace
from tests.fakes import NoChannels
from tests.handlers.fakes import QUICK, HandlePlatform
from tests.realtime.rooms import Bans, RoomsNamespace

PASSWORD = "a horse walks into a bar"
ORIGIN = "https://fans.example"
MAX_PACKET = 64 * 1024
WAIT = 10.0  # seconds that something has to happen
ACCESS_SECRET, REFRESH_SECRET = "a" * 40, "r" * 40
OPEN = dict.fromkeys(
    (
        *(f"socket.{name}" for name in ("handshake", "connect", "command", "clock", "sync", "refresh-auth")),
        *(f"community.{name}" for name in ("send", "vote", "typing")),
        *(f"party.{name}" for name in ("control", "ready", "report", "message", "messages", "react", "queue", "vote")),
    ),
    "1000000/1s",
)


async def until(condition: Callable[[], Any], what: str = "it did not happen") -> Any:
    """Look at every turn of the loop until ``condition`` is true."""
    try:
        async with asyncio.timeout(WAIT):
            while not (found := condition()):
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise AssertionError(what) from None
    return found


class Hold(Command):
    gate: str


class Held(View):
    number: int


class TestedNamespace(NotificationsNamespace):
    """The real namespace, with a command that waits until the test lets it go and one that is broken."""

    def __init__(self, parts: Parts, notifications: Notifications) -> None:
        super().__init__(parts, notifications)
        self.gates: dict[str, asyncio.Event] = {}
        self.ran: list[str] = []

    @command("hold")
    async def hold(self, conn: Connection, cmd: Hold) -> Held:
        """Wait at a gate."""
        self.ran.append(cmd.gate)
        await self.gates.setdefault(cmd.gate, asyncio.Event()).wait()
        return Held(number=len(self.ran))

    @command("break")
    async def break_down(self, conn: Connection, cmd: Command) -> Held:
        """Fail as nobody expects."""
        raise ZeroDivisionError("nobody expected this")


@dataclass
class Fan:
    """Someone with an account."""

    id: int
    name: str
    token: str
    refresh_token: str


async def nobody_works(work: Work) -> None: ...


class Node:
    """One process. ``limits`` are rates by name; what is not named is as good as unlimited. ``communities``: it has
    ``/community`` in place of the tests' own ``/rooms``."""

    def __init__(
        self,
        clock: Clock,
        exchange: MemoryExchange,
        name: str,
        *,
        limits: dict[str, str] | None = None,
        access_life: int = 3600,
        trusted_proxies: int = 0,
        connections_per_user: int = 1_000,
        tls: ssl.SSLContext | None = None,
        bus: Bus | None = None,
        bans: Bans | None = None,
        board: Board | None = None,
        communities: bool = False,
        delays: DelayBoard | None = None,
        telemetry: TelemetryBoard | None = None,
        **bounds: Any,
    ) -> None:
        self._tls = tls
        self.clock = clock
        self.metrics = Metrics.unread()
        self.bus = bus or MemoryBus(exchange)
        self.streams = Streams(
            bus=self.bus,
            ids=Ids(),
            clock=clock,
            people=people.people,
            node=name,
            rng=random.Random(1),
            metrics=self.metrics,
        )
        self.control = Control(self.bus, self.streams.delivery, node=name)
        self.tokens = Tokens(
            clock, access_secret=ACCESS_SECRET, refresh_secret=REFRESH_SECRET, access_life=access_life
        )
        self.passwords = Passwords(QUICK)
        account_limits = Limits(clock=clock, overrides={"auth.register": "100000/1s", "auth.refresh": "100000/1s"})
        self.accounts = Accounts(clock, self.tokens, self.passwords, account_limits, self.control.session_ended)
        self.notifications = Notifications(self.streams, clock)
        self.presence = MemoryPresence(metrics=self.metrics)
        self.room_presence = RoomPresence(
            board or MemoryBoard(clock), clock, node=name, announce=lambda rooms: self.streams.wake(rooms, MOVED)
        )
        self.connections = Connections()
        self.limits = Limits(clock=clock, overrides={**OPEN, **(limits or {})})

        handshakes = self.limits.meter("socket.handshake")

        def address(peer: object, forwarded_for: Sequence[str]) -> str:
            return client_address(peer, forwarded_for, trusted_proxies)

        def wait(address: str) -> float:
            try:
                handshakes.spend(place_of(address))
            except DomainError as refused:
                return (refused.retry_after_ms or 0) / 1_000
            return 0.0

        self.engine = Engine(
            Handshakes(lambda origin, host: origin == ORIGIN or origin.split("://", 1)[-1] == host, address, wait),
            bounds=Bounds(packet_bytes=MAX_PACKET, **{"packets_per_second": 10_000, **bounds}),
            metrics=self.metrics,
            rng=random.Random(1),
        )
        self.shared = SharedClock(clock)
        jobs = Jobs(clock, work=False)
        jobs.register(TELL, nobody_works)
        self.communities = Communities(
            self.streams,
            people.people,
            clock=clock,
            ids=Ids(),
            jobs=jobs,
            meter=self.limits.meter("community.send"),
            evict=self.control.evict,
            look=self.control.look_again,
            proofs=NoChannels(),
        )
        self.jobs = jobs
        contents = Contents(clock)
        platforms = {"youtube": HandlePlatform()}
        creators = Creators(platforms, clock, jobs)
        self.parties = WatchParties(
            self.streams,
            contents,
            node=name,
            clock=clock,
            shared=self.shared,
            ids=Ids(),
            delays=delays or NoBoard(),
            telemetry=telemetry or NoTelemetryBoard(),
            jobs=jobs,
            videos=Videos(platforms, creators, contents, limits=self.limits, jobs=jobs, ids=Ids(), clock=clock),
            rules=self.communities.elsewhere,
            limits=self.limits,
            secret=ACCESS_SECRET,
            evict=self.control.evict,
            look=self.control.look_again,
            metrics=self.metrics,
        )
        jobs.register(POLL, nobody_works)
        jobs.register(SHOW_VOTES, self.parties.queue.show_votes, priority=1)
        jobs.register(REMIND, self.parties.reminders.run, priority=1)
        parts = Parts(
            engine=self.engine,
            connections=self.connections,
            streams=self.streams,
            accounts=self.accounts,
            limits=self.limits,
            attendance=self.presence,
            crowd=self.room_presence,
            clock=clock,
            shared=self.shared,
            metrics=self.metrics,
            connections_per_user=connections_per_user,
        )
        self.namespace = TestedNamespace(parts, self.notifications)
        # both have the rooms' streams
        rooms = CommunityNamespace(parts, self.communities) if communities else RoomsNamespace(parts, bans or Bans())
        self.door = SocketDoor(
            self.engine,
            self.connections,
            [self.namespace, rooms, WatchPartyNamespace(parts, self.parties)],
            ended_among=people.ended_among,
            revoked_among=people.revoked_among,
            rng=random.Random(1),
            metrics=self.metrics,
            crowd=self.room_presence,
        )
        self._ids = Ids()
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.url = ""
        self.drained = False

    async def start(self) -> None:
        await self.control.start(self.door)
        self._tasks = [
            asyncio.create_task(self.streams.appender.run()),
            asyncio.create_task(self.streams.delivery.run(self.door.deliver)),
        ]
        app = web.Application()
        self.door.attach(app)
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=2, keepalive_timeout=self.engine.bounds.silent
        )
        await self._runner.setup()
        assert self._runner.server is not None
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self.door.front(self._runner.server), "127.0.0.1", 0, ssl=self._tls)
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{self._listener.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        if not self.drained:
            await self.door.drain()
        self._listener.close()
        if self._runner:
            await self._runner.cleanup()
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self.streams.delivery.close()
        await self.bus.close()
        self.passwords.close()

    async def drain(self) -> None:
        self.drained = True
        await self.door.drain(self.streams.delivery.flushed)

    async def register(self, name: str) -> Fan:
        opened = await self.accounts.register(
            Register(email=f"{name}@example.com", password=PASSWORD, display_name=name), Device("", "127.0.0.1")
        )
        return self._fan(name, opened)

    async def log_in(self, name: str) -> Fan:
        """The same person, in a session of its own."""
        opened = await self.accounts.log_in(
            LogIn(email=f"{name}@example.com", password=PASSWORD), Device("", "127.0.0.1")
        )
        return self._fan(name, opened)

    def _fan(self, name: str, opened: Authentication) -> Fan:
        return Fan(opened.user.id, name, opened.access_token, opened.refresh_token)

    async def key(self, fan: Fan, *scopes: Any) -> str:
        actor = await self.accounts.authenticate(fan.token)
        return (await self.accounts.keys.create(actor, CreateApiKey(name="a program", scopes=list(scopes)))).key

    async def notify(self, fan: Fan, text: str) -> int:
        """One more notification in the inbox, as the fan-out writes it; its seq."""
        notice_id = await self._ids.one()
        await Notice.create(
            id=notice_id,
            dedupe_key=f"test:{notice_id}",
            kind="announcement",
            title="MyPick",
            body=text,
            url="",
            created_at=self.clock.now(),
        )
        stream = inbox_of(fan.id)

        async def decide() -> Sequence[NewEvent]:
            unread = await _one_more_unread([fan.id])
            return [NewEvent(stream, EVENT, {"unread_count": unread[fan.id]}, ref=notice_id)]

        def rows(events: Sequence[Event]) -> list[Notification]:
            return [
                Notification(id=event.id, notice_id=notice_id, user_id=fan.id, seq=event.seq, created_at=event.at)
                for event in events
            ]

        done = await self.streams.append(Append(streams=[stream], decide=decide, rows=rows))
        return done.events[0].seq

    async def tell(self, fan: Fan, body: dict[str, Any]) -> None:
        """An event that is of no stream, to all sockets of ``fan``."""
        await self.engine.rooms.broadcast(
            "/notifications", inbox_of(fan.id), [event("/notifications", "lagged", orjson.dumps(body))]
        )

    async def assert_nobody_left(self) -> None:
        """No connection, membership, presence or timer is left of those who were here."""
        await until(lambda: len(self.connections) == 0, "connections are left")
        await until(lambda: self.streams.delivery.streams == 0, "memberships are left")
        await until(lambda: not self.engine.sessions, "sessions are left")
        await until(lambda: not self.engine._tasks, "leaving is not done")
        assert await self.presence.online_count() == 0
        for space in self.engine.rooms.spaces.values():
            assert space.members == {}
            assert space.rooms == {}
        assert self.engine.sio.environ == {}


@asynccontextmanager
async def running(clock: Clock, exchange: MemoryExchange, name: str = "test", **options: Any) -> AsyncIterator[Node]:
    node = Node(clock, exchange, name, **options)
    await node.start()
    try:
        yield node
    finally:
        await node.close()
