"""One client of the load program, and the door it knocks at."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


class LoadError(Exception):
    """The server did what no measurement can go on from: a refusal, a closed socket, an unreadable frame."""


@dataclass(frozen=True)
class Door:
    """Where and how the clients knock. ``raw`` sockets speak no handshake: the limit program. ``echo_field`` names
    the field that an echo's text goes in, for a server whose commands are objects."""

    namespace: str = "/app"
    auth: dict[str, Any] = field(default_factory=lambda: {"token": "bench"})
    raw: bool = False
    echo_field: str | None = None


class Client:
    """One socket. ``feed`` is what its next packet means."""

    __slots__ = ("at", "began", "feed", "head", "last", "rest", "sent_at", "sock", "up")

    def __init__(self, sock: socket.socket, feed: Callable[[Client, bytes], None]) -> None:
        self.sock = sock
        self.feed = feed
        self.began = time.perf_counter()
        self.up = False  # the TCP connection stands
        self.head = True  # the HTTP answer has not been read to its end
        self.rest = b""
        self.sent_at = 0.0
        self.last = -1  # number of the last broadcast it saw
        self.at = 0  # how many echoes it has sent
