from __future__ import annotations

from tests.realtime.conftest import (
    client,
    exchange,
    http,
    logs,
    node,
    nothing_unexpected,
    raw,
    start_node,
)

__all__ = ["client", "exchange", "http", "logs", "node", "nothing_unexpected", "raw", "start_node"]
