"""Why a session ends, as the protocol names it and ours, and the code of RFC 6455 that its WebSocket is closed with."""

from __future__ import annotations

from realtime.engine.frames import GOING_AWAY, NORMAL, POLICY, PROTOCOL_ERROR, TOO_BIG

CLIENT_DISCONNECT, SERVER_DISCONNECT = "client disconnect", "server disconnect"
TRANSPORT_CLOSE, TRANSPORT_ERROR, PING_TIMEOUT = "transport close", "transport error", "ping timeout"
SHUTDOWN = "server shutting down"

# what only clients see that are no well-behaved ones
MALFORMED_PACKET, TOO_LARGE, TOO_MANY = "malformed packet", "packet too large", "too many packets"
TOO_SLOW, ALONE = "too slow", "no namespace"

CLOSE_CODES = {
    SHUTDOWN: GOING_AWAY,
    TRANSPORT_ERROR: PROTOCOL_ERROR,
    MALFORMED_PACKET: POLICY,
    TOO_LARGE: TOO_BIG,
    TOO_MANY: POLICY,
    ALONE: POLICY,
}


def close_code_for(reason: str) -> int:
    return CLOSE_CODES.get(reason, NORMAL)


def too_many_packets(bound: int) -> str:
    """What a client is told that is closed as ``TOO_MANY``."""
    return f"a client sends at most {bound} packets in a second"
