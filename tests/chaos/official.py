"""Followers whose socket is somebody else's: python-socketio's client, and the official one on Node.

Both begin with polling and go over to a WebSocket while events come. The rule of resume is that of ``Follower``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import socketio

from tests.chaos.client import ACK_WITHIN, OPEN_WITHIN, Follower, Refused
from tests.installed import NODE

_CROWD = Path(__file__).parent / "crowd.mjs"

Told = dict[str, Any]


class _Told(Follower):
    """One that is told all in order by a queue: ``up``, ``refused``, ``down``, an ``event`` with its ``data``, an
    ``ack`` with its ``reply``."""

    told: asyncio.Queue[Told]

    async def _open(self, url: str, token: str) -> None:
        raise NotImplementedError

    async def _close(self) -> None:
        raise NotImplementedError

    async def _session(self) -> None:
        self._begin()
        self.told = asyncio.Queue()  # bound: what the server sends before it is read, which it bounds itself
        try:
            async with asyncio.timeout(OPEN_WITHIN):
                await self._open(self._rng.choice(self._addresses), self._token)
                first = await self.told.get()
            if "up" not in first:
                if first.get("refused"):
                    raise Refused(first["refused"])
                raise ConnectionError("it did not come in")
            self.connects += 1
            self._linked = True
            await self._came_in()
            while True:
                async with asyncio.timeout(ACK_WITHIN if self._asked else None):
                    told = await self.told.get()
                if "event" in told:
                    await self._event(told["event"], told["data"])
                elif "ack" in told:
                    await self._ack(*self._asked.pop(told["ack"]), told["reply"])
                else:
                    raise ConnectionError("the connection is lost")
        finally:
            self._linked = False
            await self._close()


class PythonFollower(_Told):
    """Over python-socketio's client."""

    _client: socketio.AsyncClient | None = None

    async def _open(self, url: str, token: str) -> None:
        told = self.told
        self._client = client = socketio.AsyncClient(reconnection=False, http_session=self._http)
        on = client.on
        on("connect", lambda: told.put_nowait({"up": True}), namespace=self.namespace)
        on("connect_error", lambda why: told.put_nowait({"refused": _refusal(why)}), namespace=self.namespace)
        on("disconnect", lambda *_: told.put_nowait({"down": True}), namespace=self.namespace)
        on("*", lambda event, data: told.put_nowait({"event": event, "data": data}), namespace=self.namespace)
        try:
            await client.connect(url, namespaces=[self.namespace], auth={"token": token}, wait_timeout=OPEN_WITHIN)
        except socketio.exceptions.ConnectionError as failure:
            if told.empty():
                raise ConnectionError(str(failure)) from failure

    async def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(TimeoutError, OSError):
                async with asyncio.timeout(2):
                    await client.disconnect()

    async def _send(self, number: int, name: str, data: dict[str, Any]) -> None:
        told = self.told
        if self._client is not None:
            with contextlib.suppress(socketio.exceptions.BadNamespaceError):  # it is down, and says so
                await self._client.emit(
                    name,
                    data,
                    namespace=self.namespace,
                    callback=lambda reply: told.put_nowait({"ack": number, "reply": reply}),
                )

    def drop(self) -> None:
        if self._client is not None and (line := self._client.eio.ws) is not None:
            self._shut(line.get_extra_info("socket"))


def _refusal(why: Any) -> Any:
    """The server's error; None where it is the network's, which is a text."""
    return why.get("data") if isinstance(why, dict) else None


class NodeCrowd:
    """The process in which all official clients live."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._input, self._output = process.stdin, process.stdout
        self.members: dict[int, NodeFollower] = {}

    def say(self, member: int, **told: Any) -> None:
        self._input.write(orjson.dumps({"id": member, **told}) + b"\n")

    async def listen(self) -> None:
        while line := await self._output.readline():
            told = orjson.loads(line)
            self.members[told["id"]].told.put_nowait(told)


class NodeFollower(_Told):
    """Over the official client."""

    crowd: NodeCrowd

    def among(self, crowd: NodeCrowd) -> None:
        self.crowd = crowd
        crowd.members[self.user_id] = self

    async def _open(self, url: str, token: str) -> None:
        self.crowd.say(self.user_id, url=url, space=self.namespace, token=token)

    async def _close(self) -> None:
        self.crowd.say(self.user_id, close=True)

    async def _send(self, number: int, name: str, data: dict[str, Any]) -> None:
        self.crowd.say(self.user_id, ask=name, data=data, number=number)

    def drop(self) -> None:
        self.crowd.say(self.user_id, drop=True)


@contextlib.asynccontextmanager
async def node_crowd() -> AsyncIterator[NodeCrowd]:
    assert NODE
    process = await asyncio.create_subprocess_exec(
        NODE, str(_CROWD), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**22
    )
    crowd = NodeCrowd(process)
    listening = asyncio.create_task(crowd.listen())
    try:
        yield crowd
    finally:
        process.kill()
        await process.wait()
        await listening
