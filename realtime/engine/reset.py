"""Ending a connection whose client does not read."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys

LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)  # for 0 s: closing sends a reset


def reset(transport: asyncio.Transport) -> None:
    """Cut it with a reset. Closed otherwise, who reads nothing would leave some megabytes with the kernel, which goes
    on offering them for minutes; and would not learn of it."""
    if (line := transport.get_extra_info("socket")) is not None:
        with contextlib.suppress(OSError):  # it is gone
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
    transport.abort()
