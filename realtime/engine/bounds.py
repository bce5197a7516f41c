"""What one client, one address and one process may hold. Each is a setting, so that a load test can raise it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of the socket engine; ``config.settings`` says what each means to an operator."""

    packet_bytes: int = 64 * 1024
    attachments: int = 8  # binary, of one packet; no command takes any
    nesting: int = 32  # lists and objects within each other in one event
    namespaces: int = 8  # of one connection
    rooms: int = 100  # of one client in one namespace
    packets_per_second: int = 100  # of one connection, whatever they are; beyond it is closed
    packets_per_turn: int = 16  # of one connection in one turn of the loop; the rest waits for the next, unread
    steps_per_turn: int = 8  # in and out, of all connections in one turn of the loop: 30 to 100 µs each
    waiting: int = 32  # events of one client in one namespace that wait for their turn
    connections: int = 50_000  # of this process
    unsent_bytes: int = 1024 * 1024  # of one connection, in this process; beyond it is closed
    ping_interval: float = 25.0  # seconds, the default of the protocol's own servers
    ping_timeout: float = 20.0
    silent: float = 20.0  # seconds that a connection may send nothing at all
    alone: float = 20.0  # seconds that a connection may be in no namespace
    goodbye: float = 3.0  # seconds that a closed client has to take what is left for it; then it is cut
    body: float = 30.0  # seconds for the body of a POST to arrive

    @property
    def lagging_bytes(self) -> int:
        """Unsent bytes from which events of streams are dropped, and ``lagged`` says so later."""
        return self.unsent_bytes // 2

    @property
    def dropping_bytes(self) -> int:
        """Unsent bytes from which events are dropped that may be: who is typing, who is here."""
        return self.unsent_bytes // 4
