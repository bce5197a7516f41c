"""A connection by hand: the bytes of a WebSocket, as the test wants them."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Self

from tests.realtime.clients import SPACE
from tests.realtime.engine.frames import CLOSE, PING, PONG, TEXT, ClientFrame, text
from tests.realtime.node import WAIT, Fan, Node

HANDSHAKE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
LONG_WAY = HANDSHAKE.replace(b"Host:", b"X-A: b\r\nX-A: c\r\nHost:")  # a header twice: through aiohttp


class Wire:
    """One TCP connection to a node. ``limit``: bytes that it reads ahead."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def open(self, node: Node, *, tls: ssl.SSLContext | None = None, small: bool = False) -> Self:
        """``small``: the buffers of this side take little, so that the server's fill soon."""
        port = int(node.url.rsplit(":", 1)[1])
        own = socket.socket()
        if small:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        own.setblocking(False)
        await asyncio.get_running_loop().sock_connect(own, ("127.0.0.1", port))
        self.reader, self.writer = await asyncio.open_connection(
            sock=own, ssl=tls, server_hostname="localhost" if tls else None, limit=1_024 if small else 2**16
        )
        return self

    async def greet(self, *, handshake: bytes = HANDSHAKE, early: bytes = b"") -> Self:
        """Become a WebSocket. ``early`` is sent in one write with the handshake."""
        self.writer.write(handshake + early)
        assert b" 101 " in await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), WAIT)
        opcode, payload = await self.frame()
        assert (opcode, payload[:1]) == (TEXT, b"0")
        return self

    async def join(self, fan: Fan) -> Self:
        """Into ``/notifications``, past the two packets that come first."""
        self.send(joining(fan))
        assert (await self.packet()).startswith(f"40{SPACE},")
        assert "unread-notifications" in await self.packet()
        return self

    def send(self, *frames: bytes | ClientFrame) -> None:
        """All in one write."""
        self.writer.write(b"".join(bytes(frame) for frame in frames))

    async def frame(self) -> tuple[int, bytes]:
        async with asyncio.timeout(WAIT):
            first, size = await self.reader.readexactly(2)
            if size == 126:
                size = int.from_bytes(await self.reader.readexactly(2), "big")
            elif size == 127:
                size = int.from_bytes(await self.reader.readexactly(8), "big")
            return first & 0x0F, await self.reader.readexactly(size)

    async def packet(self) -> str:
        """The next text, past pings and pongs."""
        while True:
            opcode, payload = await self.frame()
            if opcode not in (PING, PONG) and payload != b"2":
                assert opcode == TEXT, (opcode, payload)
                return payload.decode()

    async def rest(self) -> tuple[list[str], int, str]:
        """The texts that still come before the server's close, and its code and reason; then the goodbye is answered
        and the connection ends."""
        texts: list[str] = []
        while True:
            opcode, payload = await self.frame()
            if opcode == CLOSE:
                break
            if opcode == TEXT and payload != b"2":
                texts.append(payload.decode())
        self.send(ClientFrame(CLOSE, payload[:2]))
        await self.ended()
        return texts, int.from_bytes(payload[:2], "big"), payload[2:].decode()

    async def ended(self) -> bytes:
        """The server has closed the connection; what came before that."""
        try:
            return await asyncio.wait_for(self.reader.read(-1), WAIT)
        except ConnectionError:
            return b""
        finally:
            self.writer.close()


def joining(fan: Fan) -> bytes:
    return text(f'40{SPACE},{{"token":"{fan.token}"}}')


def clock(number: int = 1) -> bytes:
    return text(f'42{SPACE},{number}["clock",{{"t0":1}}]')
