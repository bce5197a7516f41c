"""People who mean harm, in a process of their own; with ``behind`` it runs behind all others (``nice 19``), for who
measures these. Beside other tests it would not come to speak at all in the 2 s that the server waits for it.

    python -m tests.chaos.hostile < told

    {"attack": "fuzz", "port": 4000, "tokens": ["…"], "seed": 1, "count": 1000, "core": null, "behind": true}

When it has done its worst it prints one JSON line of figures.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from random import Random

import orjson

from tests.chaos.mutations import SPACE, any_packet, mutated
from tests.chaos.proxy import RESET

AT_ONCE = 50  # connections that come in together
WITHIN = 30.0  # seconds for the server to answer, or to close whoever deserves it
IN_A_ROW = 25  # packets of one connection
COMING = 20  # who come in together where all stay
GREEDY = 5  # of the slow readers ask all the time
UNREAD, PART = 12_000, 100  # commands of one of these, some 3 MB of answers, and how many at once
PACE = 0.05  # seconds between two parts: together they ask 10,000 a second, which is no flood
DRIP = 0.2  # seconds between two bytes

HANDSHAKE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
REQUEST = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"

Figures = Mapping[str, int]


def frame(packet: bytes, opcode: int = 1, mask: bytes = b"\x11\x22\x33\x44") -> bytes:
    """A masked WebSocket frame."""
    size = len(packet)
    head = bytes([0x80 | opcode])
    head += bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + struct.pack("!H", size)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(packet))


@dataclass(slots=True)
class Line:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def until(self, sign: bytes) -> None:
        async with asyncio.timeout(WITHIN):
            await self.reader.readuntil(sign)

    async def gone(self) -> None:
        """Returns when the server has closed; what it says meanwhile is read."""
        with contextlib.suppress(OSError):
            while await self.reader.read(65_536):
                pass

    def reset(self) -> None:
        with contextlib.suppress(OSError):
            self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.writer.transport.abort()


@dataclass(slots=True)
class Attacker:
    port: int
    tokens: list[str]
    rng: Random
    count: int

    @contextlib.asynccontextmanager
    async def line(self, *, deaf: bool = False) -> AsyncIterator[Line]:
        """A connection; cut with RST at the end. ``deaf``: the kernel takes next to nothing for it."""
        raw = socket.socket()
        raw.setblocking(False)
        if deaf:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1_024)
        async with asyncio.timeout(WITHIN):
            await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", self.port))
        line = Line(*await asyncio.open_connection(sock=raw, limit=2**20))
        try:
            yield line
        finally:
            line.reset()

    async def upgrade(self, line: Line) -> None:
        line.writer.write(HANDSHAKE)
        await line.until(b"\r\n\r\n")

    async def join(self, line: Line) -> None:
        await self.upgrade(line)
        line.writer.write(frame(f"40{SPACE},".encode() + orjson.dumps({"token": self.rng.choice(self.tokens)})))
        await line.until(b"unread-notifications")

    async def many(self, one: Callable[[int], Awaitable[None]], count: int, at_once: int = AT_ONCE) -> int:
        """Do it ``count`` times; how often the server hung up in the middle of it."""
        places, hung_up = asyncio.Semaphore(at_once), 0

        async def go(number: int) -> None:
            nonlocal hung_up
            async with places:
                try:
                    await one(number)
                except (OSError, asyncio.IncompleteReadError, TimeoutError):
                    hung_up += 1

        async with asyncio.TaskGroup() as group:
            for number in range(count):
                group.create_task(go(number))
        return hung_up

    async def slow(self) -> Figures:
        """Members who never read; some of them ask and ask, until the server has enough of them."""
        everybody, coming = asyncio.Barrier(self.count), asyncio.Semaphore(COMING)
        asked = 0

        async def one(number: int) -> None:
            nonlocal asked
            async with contextlib.AsyncExitStack() as undo:
                async with coming:  # who has come and waits to speak would be closed
                    line = await undo.enter_async_context(self.line(deaf=True))
                    await self.join(line)
                line.reader._transport.pause_reading()  # type: ignore[attr-defined]  # streams have no door for it
                async with asyncio.timeout(WITHIN):
                    await everybody.wait()
                for _ in range(UNREAD // PART if number < GREEDY else 0):
                    if line.writer.is_closing():
                        break
                    line.writer.write(frame(f'42{SPACE},1["nonsense"]'.encode()) * PART)
                    asked += PART
                    await asyncio.sleep(PACE)
                await everybody.wait()

        hung_up = await self.many(one, self.count, self.count)
        return {"connections": self.count, "hung_up": hung_up, "asked": asked}

    async def drip(self) -> Figures:
        """Slowloris: a request, a handshake, and a packet of one who is in no namespace, byte by byte and never ending;
        each until the server has enough of it."""
        closed = 0

        async def one(number: int) -> None:
            nonlocal closed
            async with self.line() as line:
                told = (REQUEST[:-2], HANDSHAKE[:-2], frame(b"40" + b"x" * 100))[number % 3]
                if number % 3 == 2:
                    await self.upgrade(line)
                gone = asyncio.create_task(line.gone())
                for at in range(len(told)):
                    if gone.done():
                        break
                    line.writer.write(told[at : at + 1])
                    await asyncio.wait([gone], timeout=DRIP)
                async with asyncio.timeout(WITHIN):
                    await gone
                closed += 1

        return {"connections": self.count, "hung_up": await self.many(one, self.count, self.count), "closed": closed}

    async def flood(self) -> Figures:
        """Connections that come and go, at each stage of becoming a member."""

        async def one(number: int) -> None:
            async with self.line() as line:
                match number % 4:
                    case 1:
                        line.writer.write(REQUEST)
                    case 2:
                        await self.upgrade(line)
                    case 3:
                        await self.join(line)

        return {"connections": self.count, "hung_up": await self.many(one, self.count)}

    async def fuzz(self) -> Figures:
        """Broken packets in good frames, broken frames, broken handshakes and broken bodies of polls."""
        sent = 0

        async def one(number: int) -> None:
            nonlocal sent
            async with self.line() as line:
                match number % 8:
                    case 0:
                        sent += 1
                        line.writer.write(mutated(self.rng, HANDSHAKE))
                        return
                    case 1:
                        sent += 1
                        await self._poll(line)
                        return
                    case 2:
                        await self.join(line)
                        told = [mutated(self.rng, frame(any_packet(self.rng))) for _ in range(IN_A_ROW)]
                    case _:
                        await self.join(line)
                        told = [frame(any_packet(self.rng), self.rng.choice((1, 1, 1, 2))) for _ in range(IN_A_ROW)]
                for packet in told:
                    sent += 1
                    line.writer.write(packet)
                line.writer.write_eof()
                async with asyncio.timeout(WITHIN):
                    await line.gone()

        rounds, hung_up = 0, 0
        while sent < self.count:
            hung_up += await self.many(one, 400)
            rounds += 400
        return {"connections": rounds, "hung_up": hung_up, "sent": sent}

    async def _poll(self, line: Line) -> None:
        line.writer.write(b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n")
        await line.until(b'"sid":"')
        sid = (await line.reader.readuntil(b'"'))[:-1]
        await line.until(b"}")
        body = b"\x1e".join(any_packet(self.rng) for _ in range(3))
        line.writer.write(
            b"POST /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
            % (sid, len(body), body)
        )
        await line.until(b"HTTP/1.1 ")


async def main() -> None:
    given = orjson.loads(sys.stdin.buffer.readline())
    if given["behind"]:
        os.nice(19)
    if given["core"] is not None:
        os.sched_setaffinity(0, {given["core"]})
    attacker = Attacker(given["port"], given["tokens"], Random(given["seed"]), given["count"])
    attacks = {"slow": attacker.slow, "drip": attacker.drip, "flood": attacker.flood, "fuzz": attacker.fuzz}
    print(orjson.dumps(await attacks[given["attack"]]()).decode(), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
