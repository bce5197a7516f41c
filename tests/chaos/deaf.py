"""A member who stops reading, by hand: its window is zero soon, and its kernel says so to the server for ever."""

from __future__ import annotations

import asyncio
import select
import socket
from time import monotonic

import orjson

from tests.chaos.hostile import HANDSHAKE, frame
from tests.chaos.mutations import SPACE
from tests.chaos.proxy import RESET

WITHIN = 20.0  # seconds for each answer while it still listens
LOOK = 0.02  # seconds between two looks whether the server has hung up
AT_ONCE = 100  # questions in one write
PACE = 0.04  # seconds between two writes


class Deaf:
    """Connects, joins, and reads nothing any more. ``asks`` is how often it asks for what is not there meanwhile: the
    answers, 200 bytes each, are what the server has to hold."""

    def __init__(self, user_id: int, token: str, asks: int) -> None:
        self.user_id = user_id
        self._token = token
        self._asks = asks
        self._socket = socket.socket()
        self.joined_at = self.gone_at = 0.0

    async def join(self, port: int) -> None:
        loop, own = asyncio.get_running_loop(), self._socket
        own.setblocking(False)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1_024)  # before it connects; the kernel takes 2,304
        async with asyncio.timeout(WITHIN):
            await loop.sock_connect(own, ("127.0.0.1", port))
            self.joined_at = monotonic()
            await loop.sock_sendall(own, HANDSHAKE)
            await self._hear(b"pingInterval")
            await loop.sock_sendall(own, frame(f"40{SPACE},".encode() + orjson.dumps({"token": self._token})))
            await self._hear(b"unread-notifications")

    async def be_deaf(self) -> None:
        """Until the server has hung up: a reset gets through where nothing else does."""
        loop, own = asyncio.get_running_loop(), self._socket
        asked, watched = frame(f'42{SPACE},1["nonsense"]'.encode()), select.poll()
        watched.register(own, select.POLLERR | select.POLLHUP)
        while not watched.poll(0):
            if self._asks > 0:
                self._asks -= AT_ONCE
                try:
                    await loop.sock_sendall(own, asked * AT_ONCE)
                except OSError:
                    break
            await asyncio.sleep(PACE if self._asks > 0 else LOOK)
        self.gone_at = monotonic()

    def close(self) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._socket.close()

    async def _hear(self, sign: bytes) -> None:
        heard = b""
        while sign not in heard:
            data = await asyncio.get_running_loop().sock_recv(self._socket, 4_096)
            if not data:
                raise ConnectionError("the server hung up at once")
            heard = heard[-100:] + data
