"""How Socket.IO packets of clients are read: the common ones straight from the bytes, the others by python-socketio."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
import socketio
import socketio.packet

CONNECT, DISCONNECT, EVENT, ACK = (
    socketio.packet.CONNECT,
    socketio.packet.DISCONNECT,
    socketio.packet.EVENT,
    socketio.packet.ACK,
)
CONNECT_ERROR, BINARY_EVENT, BINARY_ACK = (
    socketio.packet.CONNECT_ERROR,
    socketio.packet.BINARY_EVENT,
    socketio.packet.BINARY_ACK,
)
LONGEST_ID = 100  # digits of an ack's id, as python-socketio has it
MALFORMED = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError)
"""What the parsers raise on packets that no client of ours makes."""


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
    """The stock packet with its text checked and its binary attachments bounded: stock, a client may announce 10^9."""

    json = Json  # the package's own is the standard module's
    max_attachments = 8  # of an engine's own class: Bounds.attachments

    def decode(self, encoded_packet: Any) -> int:
        if not isinstance(encoded_packet, str):
            raise ValueError("not a Socket.IO packet")  # noqa: TRY004 - malformed is malformed
        count: int = super().decode(encoded_packet) or 0
        binary = self.packet_type in (BINARY_EVENT, BINARY_ACK)
        if binary != (count > 0) or count > self.max_attachments:
            raise ValueError(f"{count} attachments")
        return count


def read_arguments(payload: bytearray, start: int) -> tuple[int | None, Any] | None:
    """Ack id and arguments of an event, which begin at ``start``, behind the namespace; None for what is written in an
    unusual way, which ``Packet`` may still read. Raises ``ValueError`` for what is no JSON."""
    opening = payload.find(b"[", start)
    if opening < 0:
        return None
    ack_id = None
    if opening > start:
        digits = payload[start:opening]
        if not digits.isdigit() or opening - start > LONGEST_ID:
            return None
        ack_id = int(digits)
    return ack_id, orjson.loads(payload[opening:])


class Event(NamedTuple):
    """An event of a client: where to, whether it wants an ack, name and arguments."""

    namespace: str
    ack_id: int | None
    arguments: Any


def read_event(payload: bytearray) -> Event | None:
    """The event in a message of Engine.IO that begins with ``42``; as ``read_arguments``."""
    namespace, start = "/", 2
    if payload[2:3] == b"/":
        comma = payload.find(b",")
        if comma < 0:
            return None
        namespace, start = payload[2:comma].decode(), comma + 1
        if "?" in namespace:
            return None
    read = read_arguments(payload, start)
    return None if read is None else Event(namespace, *read)


def read_connect(payload: bytearray) -> tuple[str, Any] | None:
    """Namespace and auth of a CONNECT to a namespace with a name; as ``read_arguments``."""
    comma = payload.find(b",")
    namespace = (payload[2:comma] if comma > 0 else payload[2:]).decode()
    if "?" in namespace:
        return None
    auth = payload[comma + 1 :] if comma > 0 else b""
    return namespace, orjson.loads(auth) if auth else None


def nested_deeper(value: Any, bound: int, opened: int) -> bool:
    """Whether lists and objects in ``value`` stand deeper within each other than ``bound``. ``opened`` is how many
    opening brackets the text has, strings included: where those are few, nothing need be walked."""
    if opened <= bound:
        return False
    level = [value]
    for _ in range(bound + 1):
        level = [
            child
            for outer in level
            if isinstance(outer, dict | list)
            for child in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return any(isinstance(inner, dict | list) for inner in level)
