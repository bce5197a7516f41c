"""Clients of the sockets: python-socketio's own, and raw ones that send whatever the test says."""

from __future__ import annotations

import asyncio
from typing import Any, Self

import aiohttp
import orjson
import socketio

from tests.realtime.node import WAIT, Fan, Node, until

SPACE = "/notifications"
Frame = str | bytes


class Client:
    """python-socketio's client of one person in one namespace. Remembers all it is sent, in order."""

    def __init__(self, node: Node, auth: Any, *, transports: list[str] | None = None, space: str = SPACE) -> None:
        self._space = space
        self._node = node
        self._auth = auth
        self._transports = transports or ["websocket"]
        self.socket = socketio.AsyncClient(reconnection=False)
        self.heard: list[tuple[str, Any]] = []
        self.refused: Any = None
        self.gone = asyncio.Event()
        self.socket.on("*", self._hear, namespace=space)
        self.socket.on("connect_error", self._refuse, namespace=space)
        self.socket.on("disconnect", self._leave, namespace=space)

    async def _hear(self, event: str, data: Any = None) -> None:
        self.heard.append((event, data))

    async def _refuse(self, data: Any) -> None:
        self.refused = data

    async def _leave(self, *_: Any) -> None:
        self.gone.set()

    async def open(self, *, headers: dict[str, str] | None = None) -> Self:
        await self.socket.connect(
            self._node.url,
            headers=headers or {},
            namespaces=[self._space],
            auth=self._auth,
            transports=self._transports,
            wait_timeout=WAIT,
        )
        if self._space == SPACE:
            await self.event("unread-notifications")
        return self

    async def ask(self, event: str, data: Any = None) -> dict[str, Any]:
        reply = await self.socket.call(event, data, namespace=self._space, timeout=WAIT)
        assert isinstance(reply, dict)
        return reply

    def all(self, name: str) -> list[Any]:
        return [data for event, data in self.heard if event == name]

    async def event(self, name: str, count: int = 1) -> Any:
        """The newest of ``name``, once there are ``count``."""
        await until(lambda: len(self.all(name)) >= count, f"no {name}; there came {self.heard}")
        return self.all(name)[count - 1]

    async def close(self) -> None:
        await self.socket.disconnect()


class Raw:
    """A WebSocket that speaks Engine.IO by hand."""

    def __init__(self, session: aiohttp.ClientSession, node: Node) -> None:
        self._session = session
        self._node = node
        self.ws: aiohttp.ClientWebSocketResponse

    async def open(self, **headers: str) -> Self:
        self.ws = await self._session.ws_connect(
            f"{self._node.url}/socket.io/?EIO=4&transport=websocket", headers=headers, max_msg_size=0
        )
        first = await self.receive()
        assert isinstance(first, str)
        assert first[0] == "0"
        self.sid = orjson.loads(first[1:])["sid"]
        return self

    async def join(self, fan: Fan) -> Self:
        """Into ``/notifications``, past the two packets that come first."""
        await self.send(f'40{SPACE},{{"token":"{fan.token}"}}')
        reply = await self.receive()
        assert isinstance(reply, str)
        assert reply.startswith(f"40{SPACE},"), reply
        unread = await self.receive()
        assert isinstance(unread, str)
        assert "unread-notifications" in unread
        return self

    async def send(self, frame: Frame) -> None:
        if isinstance(frame, bytes):
            await self.ws.send_bytes(frame)
        else:
            await self.ws.send_str(frame)

    async def receive(self) -> Frame | None:
        """The next frame; None when the server has closed."""
        message = await asyncio.wait_for(self.ws.receive(), WAIT)
        return message.data if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY) else None

    async def ask(self, text: str, number: int = 7) -> dict[str, Any]:
        """Send ``text`` as the arguments of an event, and give the ack; what else comes is passed over."""
        await self.send(f"42{SPACE},{number}{text}")
        reply = await self.ack(number)
        assert reply is not None, "closed"
        return reply

    async def ack(self, number: int) -> dict[str, Any] | None:
        """The ack with this number, or None when the server has closed."""
        head = f"43{SPACE},{number}["
        while (frame := await self.receive()) is not None:
            if isinstance(frame, str) and frame.startswith(head):
                reply: dict[str, Any] = orjson.loads(frame[len(head) - 1 :])[0]
                return reply
        return None

    async def rest(self) -> list[Frame]:
        """What still comes before the server closes."""
        frames: list[Frame] = []
        while (frame := await self.receive()) is not None:
            frames.append(frame)
        return frames

    async def close(self) -> None:
        await self.ws.close()


class Polling:
    """A client of the long-polling transport, by hand."""

    def __init__(self, session: aiohttp.ClientSession, node: Node) -> None:
        self._session = session
        self._url = f"{node.url}/socket.io/?EIO=4&transport=polling"
        self.sid = ""

    async def open(self) -> Self:
        status, text = await self.get()
        assert status == 200, text
        self.sid = orjson.loads(text[1:])["sid"]
        return self

    def _at(self) -> str:
        return self._url + (f"&sid={self.sid}" if self.sid else "")

    async def get(self, **headers: str) -> tuple[int, str]:
        async with asyncio.timeout(WAIT), self._session.get(self._at(), headers=headers) as response:
            return response.status, await response.text()

    async def post(self, body: str | bytes, **headers: str) -> tuple[int, str]:
        async with asyncio.timeout(WAIT), self._session.post(self._at(), data=body, headers=headers) as response:
            return response.status, await response.text()

    async def packets(self, count: int) -> list[str]:
        """At least ``count`` packets, over as many polls as that takes."""
        found: list[str] = []
        while len(found) < count:
            status, text = await self.get()
            assert status == 200, text
            found += text.split("\x1e")
        return found

    async def join(self, fan: Fan) -> Self:
        assert (await self.post(f'40{SPACE},{{"token":"{fan.token}"}}'))[0] == 200
        first, second = await self.packets(2)
        assert first.startswith(f"40{SPACE},"), first
        assert "unread-notifications" in second
        return self
