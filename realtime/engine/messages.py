"""What is sent to clients, encoded once for all of them."""

from __future__ import annotations

from enum import Enum
from typing import Any

import orjson

from mypick.errors import Code
from realtime.engine.frames import BINARY, TEXT, encode


class Kind(Enum):
    """What may become of a message whose client does not read."""

    NEEDED = "needed"  # acks, answers, signals: it is sent, or the client is closed
    DURABLE = "durable"  # an event of a stream: it may be dropped, and then `lagged` is sent
    DROPPABLE = "droppable"  # only the newest matters: it may be dropped


class Message:
    """One Engine.IO packet of the type MESSAGE, as a frame and as polling has it."""

    __slots__ = ("binary", "frame", "kind", "namespace", "payload", "seq", "stream")

    def __init__(self, payload: bytes, *, binary: bool = False, kind: Kind = Kind.NEEDED) -> None:
        """``payload`` is with the type of the packet in front, unless it is binary."""
        self.payload = payload
        self.binary = binary
        self.kind = kind
        self.frame = encode(BINARY if binary else TEXT, payload)
        self.namespace = self.stream = ""  # of a durable one
        self.seq = 0

    def __len__(self) -> int:
        return len(self.frame)


def event(namespace: str, name: str, body: bytes, kind: Kind = Kind.NEEDED) -> Message:
    """The event ``name`` with the JSON ``body`` as its one argument."""
    return Message(b'42%b["%b",%b]' % (address(namespace), name.encode(), body), kind=kind)


def durable(namespace: str, name: str, body: bytes, stream: str, seq: int) -> Message:
    """An event of ``stream``. A client that misses it is told ``lagged``."""
    message = event(namespace, name, body, Kind.DURABLE)
    message.namespace, message.stream, message.seq = namespace, stream, seq
    return message


def lagged(namespace: str, stream: str, head_seq: int) -> Message:
    return event(namespace, "lagged", orjson.dumps({"stream": stream, "head_seq": head_seq}))


def evicted(namespace: str, stream: str, code: Code, reason: str) -> Message:
    """The client is put out of ``stream``; of all of them where that is empty."""
    return event(namespace, "evicted", orjson.dumps({"stream": stream, "code": code.name, "reason": reason}))


def packet(kind: int, namespace: str, body: Any = None) -> Message:
    """A Socket.IO packet without an id."""
    encoded = b"" if body is None else orjson.dumps(body)
    return Message(b"4%d%b%b" % (kind, address(namespace), encoded))


def address(namespace: str) -> bytes:
    """The namespace as it stands in a packet."""
    return b"" if namespace == "/" else namespace.encode() + b","
