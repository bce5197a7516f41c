"""Which part of the server a path belongs to."""

from __future__ import annotations

API = "/api/v1"
SOCKETS = "/socket.io/"

_QUIET = ("/health", "/metrics")


def is_api(path: str) -> bool:
    """Answers in the envelope and obeys CORS, limits and idempotency keys."""
    return path == "/api" or path.startswith("/api/")


def is_socket(path: str) -> bool:
    """Belongs to the other door, which has guards of its own."""
    return path.startswith(SOCKETS)


def is_probe(path: str) -> bool:
    """Asked every few seconds by machines: not worth a line in the log."""
    return path.startswith(_QUIET)
