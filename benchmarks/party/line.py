"""One guest's connection to the real server: Socket.IO over a WebSocket, with the guest's network before it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from socket import SHUT_RDWR
from typing import Any

import aiohttp
import orjson

from benchmarks.party.network import Network
from benchmarks.party.world import Clocked

SPACE = "/watch-party"
Reply = Mapping[str, Any] | None


class Line:
    """``hear`` is given each event at the moment the server sends it; ``refuse`` each error. The pings of the engine
    are answered as late as the network makes them: the server measures that."""

    def __init__(
        self,
        world: Clocked,
        network: Network,
        hear: Callable[[str, Mapping[str, Any]], None],
        gone: Callable[[], None],
    ) -> None:
        self._world, self._network, self._hear, self._gone = world, network, hear, gone
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._asked: dict[int, Callable[[Reply], None]] = {}
        self._ids = 0
        self._reader: asyncio.Task[None] | None = None
        self.deaf = False  # nothing goes in or out any more, and nobody says so
        self.refused: list[Mapping[str, Any]] = []

    @property
    def open(self) -> bool:
        return self._socket is not None and not self._socket.closed

    async def connect(self, http: aiohttp.ClientSession, url: str, token: str) -> None:
        """Up to the namespace's welcome. Raises ``aiohttp.ClientError`` or ``OSError`` where nobody listens."""
        self.deaf = False
        self._asked.clear()
        socket = await http.ws_connect(f"{url}/socket.io/?EIO=4&transport=websocket", max_msg_size=0)
        await _text(socket)
        await socket.send_str(f'40{SPACE},{{"token":"{token}"}}')
        welcome = await _text(socket)
        if not welcome.startswith(f"40{SPACE},"):
            await socket.close()
            raise OSError(f"the namespace answered {welcome[:200]}")
        self._socket = socket
        self._reader = asyncio.create_task(self._read(socket))

    def ask(self, event: str, data: dict[str, Any], answer: Callable[[Reply], None]) -> Any:
        """Send a command now."""
        if self._socket is None or self._socket.closed or self.deaf:
            return None
        self._ids += 1
        self._asked[self._ids] = answer
        return self._send(f"42{SPACE},{self._ids}{orjson.dumps([event, data]).decode()}")

    async def cut(self) -> None:
        """Without a goodbye."""
        socket, self._socket = self._socket, None
        if self._reader is not None:
            self._reader.cancel()
        if socket is not None:
            with contextlib.suppress(OSError):
                socket.get_extra_info("socket").shutdown(SHUT_RDWR)

    async def _send(self, text: str) -> None:
        if self._socket is not None and not self._socket.closed and not self.deaf:
            await self._socket.send_str(text)

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if self.deaf or message.type is not aiohttp.WSMsgType.TEXT:
                continue
            text: str = message.data
            if text == "2":
                self._pong()
            elif text.startswith(f"42{SPACE},"):
                event, data = orjson.loads(text[len(SPACE) + 3 :])
                self._hear(event, data)
            elif text.startswith(f"43{SPACE},"):
                number, _, rest = text[len(SPACE) + 3 :].partition("[")
                answer = self._asked.pop(int(number), None)
                (reply,) = orjson.loads("[" + rest)
                if not reply["ok"]:
                    self.refused.append(reply["error"])
                if answer is not None:
                    answer(reply["data"] if reply["ok"] else None)
        if self._socket is socket:
            self._socket = None
            self._gone()

    def _pong(self) -> None:
        there = self._network.down.arrival(self._world.now)

        def back() -> Any:
            self._world.at(self._network.up.arrival(self._world.now), lambda: self._send("3"))

        self._world.at(there, back)


async def _text(socket: aiohttp.ClientWebSocketResponse) -> str:
    message = await socket.receive()
    if message.type is not aiohttp.WSMsgType.TEXT:
        raise OSError("the server closed the connection")
    return str(message.data)
