"""One follower's socket, as small as it can be: Engine.IO 4 and Socket.IO 5 over a WebSocket, and the rule of resume.

It does what ``wire.md`` asks of every client: an event is applied if its ``seq`` is the last plus one, a lower one is
ignored, a higher one is held while ``sync`` is asked; after each reconnect it asks ``sync`` from its last ``seq``. It
never looks at the database and never asks again by itself, so what the server forgets to send stays missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from time import monotonic
from typing import Any

import aiohttp
import orjson

NAMESPACE = "/notifications"
PAGE = 200  # events in one answer to ``sync``, the most that the wire allows
OPEN_WITHIN = 20.0  # seconds for the upgrade, and for the handshake; the official client's default
ACK_WITHIN = 35.0  # seconds; the server gives a command up after 30
FIRST_WAIT, LONGEST_WAIT = 0.1, 2.0  # seconds between two tries to connect, doubled and jittered
SYNC_AGAIN = 0.5  # seconds after a refused ``sync`` that names no time
READS = 0.05  # of the events that arrive live, the client marks so many as read

LOST = (aiohttp.ClientError, OSError, TimeoutError)


class Refused(Exception):
    """The namespace let nobody in; ``data`` is the error on the wire."""

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__(str(data))
        self.data = data


@dataclass(frozen=True, slots=True)
class Received:
    """One applied event and when (monotonic seconds)."""

    event: dict[str, Any]
    at: float


class Follower:
    """One user with one socket.

    Each time it connects to one of ``addresses``. ``log`` is what was applied, from the first ``seq`` on. ``in_step``
    is true while it is connected and its last ``sync`` found nothing more.
    """

    namespace = NAMESPACE

    def __init__(
        self, addresses: Sequence[str], user_id: int, token: str, http: aiohttp.ClientSession, rng: Random
    ) -> None:
        self.user_id = user_id
        self.stream = f"inbox:{user_id}"
        self.log: list[Received] = []
        self.last = 0
        self.epoch: str | None = None
        self.in_step = False
        self.first_unread: dict[str, Any] | None = None  # of the first connect
        self.read_upto = 0  # what the server has confirmed as read
        self.connects = 0
        self.repeats = 0  # lower ones, ignored
        self.gaps = 0  # higher ones, held
        self.resets = 0
        self.refused: Counter[str] = Counter()  # codes of refused connects and commands
        self.longest_away = 0.0  # seconds from a lost connection to being in step again
        self.renew: Callable[[], Awaitable[str]] | None = None  # where tokens end: gives the next one
        self.renewals = 0  # that the open socket took
        self._addresses = addresses
        self._token = token
        self._http = http
        self._rng = rng
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._linked = False
        self._held: dict[int, dict[str, Any]] = {}  # bound: what is published during one ``sync``
        self._asked: dict[int, tuple[str, Any]] = {}  # ack id → command; at most one ``sync`` and some ``mark-read``
        self._ids = 0
        self._syncing = False
        self._sync_wanted = False
        self._away_since: float | None = None
        self._changed = asyncio.Event()

    # what the storm does with it

    async def run(self) -> None:
        """Be connected, for ever: until cancelled."""
        failures = 0
        while True:
            try:
                await self._session()
            except Refused as refused:
                code = str(refused.data.get("code"))
                self.refused[code] += 1
                if code == "UNAUTHENTICATED" and self.renew:
                    self._token = await self.renew()
                elif not refused.data.get("retryable"):
                    raise
                failures += 1
            except LOST:
                failures += 1
            if self.in_step:
                failures = 0
            self._lose()
            longest = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(failures, 6))
            await asyncio.sleep(self._rng.uniform(0, longest))

    def drop(self) -> None:
        """Cut the connection as a lost mast does: without a goodbye."""
        if self._socket is not None:
            self._shut(self._socket.get_extra_info("socket"))

    @staticmethod
    def _shut(line: socket.socket | None) -> None:
        if line is not None:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    async def became(self, condition: Callable[[], bool]) -> None:
        """Return once ``condition()`` holds; looked at after each change of this client."""
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    async def ask_for_more(self) -> None:
        """``sync`` once more and wait for the answer: what was sent before it has arrived then."""
        self.in_step = False
        await self._sync()
        await self.became(lambda: self.in_step)

    async def mark_read(self, upto_seq: int) -> None:
        """Ask, and do not wait: once nothing is ``unanswered`` it is in ``read_upto``, or in ``refused``."""
        await self._ask("mark-read", {"upto_seq": upto_seq})

    @property
    def unanswered(self) -> int:
        return len(self._asked)

    # one connection

    def _begin(self) -> None:
        """What was asked over the last connection is not answered any more."""
        self._asked.clear()
        self._held.clear()
        self._syncing = self._sync_wanted = False

    async def _session(self) -> None:
        self._begin()
        address = f"{self._rng.choice(self._addresses)}/socket.io/?EIO=4&transport=websocket"
        async with asyncio.timeout(OPEN_WITHIN):
            line = await self._http.ws_connect(address, compress=0, autoping=True, max_msg_size=0)
        try:
            async with asyncio.timeout(OPEN_WITHIN):
                hello = orjson.loads((await self._packet(line))[1:])
                await line.send_str(f"40{self.namespace}," + orjson.dumps({"token": self._token}).decode())
                answer = await self._packet(line)
            if answer.startswith(f"44{self.namespace},"):
                error = orjson.loads(answer.partition(",")[2])
                raise Refused(error.get("data") or {"code": error.get("message")})
            if not answer.startswith(f"40{self.namespace},"):
                raise AssertionError(f"not the answer to a connect: {answer[:100]}")
            self.connects += 1
            self._socket, self._linked = line, True
            await self._came_in()
            silence = (hello["pingInterval"] + hello["pingTimeout"]) / 1000
            while True:
                async with asyncio.timeout(min(silence, ACK_WITHIN) if self._asked else silence):
                    packet = await self._packet(line)
                if packet == "2":
                    await line.send_str("3")
                else:
                    await self._receive(packet)
        finally:
            self._socket, self._linked = None, False
            await _close(line)

    async def _came_in(self) -> None:
        """Nothing to say yet: the server speaks first."""

    async def _packet(self, line: aiohttp.ClientWebSocketResponse) -> str:
        message = await line.receive()
        if message.type is not aiohttp.WSMsgType.TEXT or message.data in ("1", f"41{self.namespace},"):
            raise ConnectionError("the server closed the connection")
        return str(message.data)

    async def _receive(self, packet: str) -> None:
        kind, _, body = packet.partition(",")
        if kind == f"42{self.namespace}":
            name, *arguments = orjson.loads(body)
            await self._event(name, *arguments)
        elif kind == f"43{self.namespace}":
            start = body.index("[")
            await self._ack(*self._asked.pop(int(body[:start])), orjson.loads(body[start:])[0])
        else:
            raise AssertionError(f"unexpected packet: {packet[:100]}")

    async def _event(self, name: str, data: dict[str, Any]) -> None:
        if name == "unread-notifications":
            if self.first_unread is None:
                self.first_unread, self.epoch = data, data["epoch"]
                self.last = data["head_seq"]
            await self._sync()
        elif name == "new-notification":
            await self._durable({"type": name, **data})
        elif name == "lagged":
            await self._sync()
        elif name == "auth-expiring" and self.renew:
            self._token = await self.renew()
            await self._ask("refresh-auth", {"token": self._token})
        elif name == "evicted" and self.renew:
            return  # it comes back with the next token
        elif name not in ("notifications-read", "server-draining"):
            raise AssertionError(f"unexpected event {name}")

    async def _durable(self, event: dict[str, Any]) -> None:
        if event["stream"] != self.stream or event["epoch"] != self.epoch:
            raise AssertionError(f"{self.stream} was sent an event of {event['stream']}, epoch {event['epoch']}")
        if event["seq"] <= self.last:
            self.repeats += 1
        elif event["seq"] == self.last + 1:
            self._apply(event)
            if self._rng.random() < READS:
                await self.mark_read(event["seq"])
        else:
            self.gaps += 1
            self._held[event["seq"]] = event
            await self._sync()

    def _apply(self, event: dict[str, Any]) -> None:
        self.log.append(Received(event, monotonic()))
        self.last = event["seq"]
        self._changed.set()

    async def _sync(self) -> None:
        if self._syncing:
            self._sync_wanted = True
            return
        self._syncing, self._sync_wanted = True, False
        await self._ask(
            "sync", {"stream": self.stream, "epoch": self.epoch, "after_seq": self.last, "limit": PAGE}
        )

    async def _ask(self, name: str, data: dict[str, Any]) -> None:
        if not self._linked:
            return  # the next connect begins with a ``sync``
        self._ids += 1
        self._asked[self._ids] = (name, data)
        await self._send(self._ids, name, data)

    async def _send(self, number: int, name: str, data: dict[str, Any]) -> None:
        if self._socket is not None:
            await self._socket.send_str(f"42{self.namespace},{number}" + orjson.dumps([name, data]).decode())

    async def _ack(self, name: str, asked: dict[str, Any], reply: dict[str, Any]) -> None:
        self._changed.set()
        if not reply["ok"]:
            error = reply["error"]
            self.refused[error["code"]] += 1
            if name == "refresh-auth":
                return  # by a clock of its own: the socket ends, and the next one has the next token
            if not error["retryable"]:
                raise AssertionError(f"{name} was refused: {error}")
            if name == "sync":
                await asyncio.sleep(error.get("retry_after_ms", SYNC_AGAIN * 1000) / 1000)
                self._syncing = False
                await self._sync()
        elif name == "refresh-auth":
            self.renewals += 1
        elif name == "mark-read":
            self.read_upto = max(self.read_upto, asked["upto_seq"])
        else:
            await self._synced(reply["data"])

    async def _synced(self, data: dict[str, Any]) -> None:
        self._syncing = False
        if data["reset"]:
            self.resets += 1
            self.epoch, self.last = data["epoch"], data["head_seq"]
        for event in data["events"]:
            if event["seq"] == self.last + 1:
                self._apply(event)
            elif event["seq"] > self.last:
                raise AssertionError(f"sync after {self.last} left out what is before {event['seq']}")
        while (held := self._held.pop(self.last + 1, None)) is not None:
            self._apply(held)
        self._held = {seq: event for seq, event in self._held.items() if seq > self.last}
        if data["more"] or self._held or self._sync_wanted:
            await self._sync()
            return
        self.in_step = True
        if self._away_since is not None:
            self.longest_away = max(self.longest_away, monotonic() - self._away_since)
            self._away_since = None
        self._changed.set()

    def _lose(self) -> None:
        self.in_step = False
        if self._away_since is None:
            self._away_since = monotonic()
        self._changed.set()


async def _close(line: aiohttp.ClientWebSocketResponse) -> None:
    try:
        async with asyncio.timeout(1):
            await line.close()
    except LOST:
        return
