"""A TCP proxy that does to connections what networks do to them: slows, throttles, hangs, cuts, forgets one end."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import struct
from collections.abc import Callable, Collection
from dataclasses import dataclass
from random import Random
from typing import Literal, Self

CHUNK = 64 * 1024  # bytes held of one connection and direction; what is beyond waits in the sockets
CONNECT_WITHIN = 5.0  # seconds
RESET = struct.pack("ii", 1, 0)  # lingering for 0 seconds: close() sends RST

End = Literal["client", "server"]
Sieve = Callable[[bytes], bytes]  # what a chunk becomes; it may keep some back


@dataclass(frozen=True, slots=True)
class Weather:
    """``latency`` and up to ``jitter`` seconds are added each way, ``rate`` is bytes a second of one connection and
    direction. Order is kept, as TCP keeps it."""

    latency: float = 0.0
    jitter: float = 0.0
    rate: float = math.inf


FAIR = Weather()


class Wire:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._writers: dict[End, asyncio.StreamWriter] = {"client": client, "server": server}
        self.flowing = asyncio.Event()
        self.asked = bytearray()  # the first bytes of the client; a sieve may look at them
        self._deaf: set[End] = set()  # nothing reaches these any more, nor that the other end has closed
        self._ended = 0  # of the two directions
        self._pumps: list[asyncio.Task[None]] = []

    async def carry(self, from_client: asyncio.StreamReader, from_server: asyncio.StreamReader) -> None:
        """Until either end has closed, or the wire is cut."""
        sieve = self._proxy.sieve(self) if self._proxy.sieve else None
        self._pumps = [
            asyncio.create_task(self._pump(from_client, "server", None)),
            asyncio.create_task(self._pump(from_server, "client", sieve)),
        ]
        await asyncio.wait(self._pumps, return_when=asyncio.FIRST_COMPLETED)
        self._stop()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, to: End, sieve: Sieve | None) -> None:
        writer, rng = self._writers[to], self._proxy.rng
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                if to == "server" and len(self.asked) < CHUNK:
                    self.asked += data
                weather = self._proxy.weather
                if to in self._deaf:
                    continue
                if wait := weather.latency + rng.uniform(0, weather.jitter) + len(data) / weather.rate:
                    await asyncio.sleep(wait)
                await self.flowing.wait()
                writer.write(sieve(data) if sieve else data)
                await writer.drain()
            await self.flowing.wait()  # the goodbye hangs as all else
        self._ended += 1
        if to in self._deaf and self._ended < 2:
            await asyncio.get_running_loop().create_future()  # for ever, or until somebody stops it

    def cut(self, *, reset: bool) -> None:
        """Both ends are closed: at once with RST, or with FIN."""
        self._stop()
        for end in self._writers:
            self._close(end, reset=reset)

    def swallow(self, ends: Collection[End]) -> None:
        """From now on whatever goes to ``ends`` is lost on the way, and each side takes the link for alive."""
        self._deaf.update(ends)

    def forget(self, end: End) -> None:
        """``end`` gets RST; the other one hears nothing of it, and nothing at all any more."""
        self._stop()
        self._close(end, reset=True)

    def close(self) -> None:
        for end in self._writers:
            self._close(end, reset=False)

    def _stop(self) -> None:
        for pump in self._pumps:
            pump.cancel()

    def _close(self, end: End, *, reset: bool) -> None:
        transport = self._writers[end].transport
        line = transport.get_extra_info("socket")
        if reset and line is not None and line.fileno() >= 0:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            transport.abort()
        else:
            transport.close()


class Proxy:
    """Listens on a port of 127.0.0.1 for as long as it is open, in front of the port that ``target`` names.

    ``weather`` holds for all that comes through, from the moment it is set. ``sieve`` makes, for each connection, what
    the server's chunks go through.
    """

    def __init__(
        self, target: Callable[[], int], rng: Random, sieve: Callable[[Wire], Sieve] | None = None
    ) -> None:
        self.rng = rng
        self.sieve = sieve
        self.weather = FAIR
        self.port = 0
        self._target = target
        self._hung = False
        self._wires: dict[Wire, None] = {}  # in the order of their coming, so that a seed takes the same ones
        self._forgotten: list[Wire] = []
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=CHUNK, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut(self.wires, reset=True)
        for wire in self._forgotten:
            wire.close()
        await self._server.wait_closed()
        while self._wires:
            await asyncio.sleep(0)

    @property
    def wires(self) -> list[Wire]:
        """Those that stand now."""
        return list(self._wires)

    def some(self, share: float) -> list[Wire]:
        """A random ``share`` of those that stand, at least one where there is one."""
        return self.rng.sample(self.wires, min(len(self._wires), math.ceil(len(self._wires) * share)))

    def cut(self, wires: Collection[Wire], *, reset: bool) -> None:
        for wire in wires:
            wire.cut(reset=reset)

    def forget(self, wires: Collection[Wire], end: End) -> None:
        for wire in wires:
            self._forgotten.append(wire)
            wire.forget(end)

    def swallow(self, wires: Collection[Wire], ends: Collection[End]) -> None:
        for wire in wires:
            wire.swallow(ends)

    def hang(self, wires: Collection[Wire]) -> None:
        """Nothing goes through these until ``flow``, and nothing is lost."""
        for wire in wires:
            wire.flowing.clear()

    def hang_all(self) -> None:
        """Nothing goes through any until ``flow``, those to come included: a black hole."""
        self._hung = True
        self.hang(self.wires)

    def flow(self) -> None:
        """End what hangs: what was held goes on."""
        self._hung = False
        for wire in self._wires:
            wire.flowing.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                from_server, to_server = await asyncio.open_connection("127.0.0.1", self._target(), limit=CHUNK)
        except (OSError, TimeoutError):
            writer.transport.abort()
            return
        wire = Wire(self, writer, to_server)
        if not self._hung:
            wire.flowing.set()
        self._wires[wire] = None
        try:
            await wire.carry(reader, from_server)
        finally:
            del self._wires[wire]
            if wire not in self._forgotten:
                wire.close()
