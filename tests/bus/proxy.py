"""A network that can hold what is on its way."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self


class Proxy:
    """Forwards connections on ``port`` to ``upstream``, both on 127.0.0.1."""

    def __init__(self, upstream: int) -> None:
        self.port = 0
        self._upstream = upstream
        self._flows: list[_Flow] = []

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def freeze(self, *, but_first: int = 0) -> None:
        """The connections of now, but for the ``but_first`` oldest, stand still; new ones flow."""
        for flow in self._flows[2 * but_first :]:
            flow.moving.clear()

    async def thaw(self) -> None:
        """What was held goes on its way, also that of connections whose owner has closed them. Returns when it went."""
        for flow in self._flows:
            flow.moving.set()
        await asyncio.gather(*(flow.ended.wait() for flow in self._flows if flow.reader.at_eof()))

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for flow in self._flows:
            flow.task.cancel()
        await asyncio.gather(*(flow.task for flow in self._flows), return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        self._flows += [_Flow(reader, up_writer), _Flow(up_reader, writer)]


class _Flow:
    """One direction of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.moving, self.ended = asyncio.Event(), asyncio.Event()
        self.moving.set()
        self.reader, self._writer = reader, writer
        self.task = asyncio.create_task(self._forward())

    async def _forward(self) -> None:
        try:
            while data := await self.reader.read(65_536):
                await self.moving.wait()
                self._writer.write(data)
                await self._writer.drain()
            await self.moving.wait()
        except OSError:
            pass  # the far side has gone; so does this one
        finally:
            self._writer.close()
            self.ended.set()
