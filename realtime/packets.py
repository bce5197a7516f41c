"""How packets are read and written: orjson, and a bound on binary attachments."""

from __future__ import annotations

from typing import Any

import orjson
import socketio
import socketio.packet

MAX_ATTACHMENTS = 8  # of one packet, each up to the packet limit; no command takes any


class Json:
    """orjson in the shape of the standard module: it refuses NaN, lone surrogates and nesting beyond 1,024."""

    JSONDecodeError = orjson.JSONDecodeError

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        return orjson.loads(text)


class Packet(socketio.packet.Packet):  # type: ignore[misc]  # the package is untyped
    """The stock packet with a bound on what the server keeps while it waits for binary attachments: stock, a client
    may announce 10^9 of them."""

    def decode(self, encoded_packet: Any) -> int:
        if not isinstance(encoded_packet, str):
            raise ValueError("not a Socket.IO packet")  # noqa: TRY004 - malformed is malformed
        count: int = super().decode(encoded_packet) or 0
        binary = self.packet_type in (socketio.packet.BINARY_EVENT, socketio.packet.BINARY_ACK)
        if binary != (count > 0) or count > MAX_ATTACHMENTS:
            raise ValueError(f"{count} attachments")
        return count
