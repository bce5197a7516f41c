"""The port that clients come to: opened by one process, or held by one and shared by several."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import sys
from collections.abc import Callable, Iterator

from config.refusal import Refusal

BACKLOG = 4_096  # connections that wait to be accepted; with the default of 128 a storm of 5,000 takes 28 s
PATIENCE = 60.0  # seconds


async def listen(
    protocol: Callable[[], asyncio.Protocol], host: str, port: int, *, shared: bool = False, patience: float = PATIENCE
) -> asyncio.Server:
    """Take connections on every address of ``host``, beside other processes where the port is ``shared``.

    A client that takes none of what is sent to it for ``patience`` seconds is cut, where the kernel can (Linux): what
    is larger than the kernel's buffers, 2.6 MB and more, was held for as long as it liked. Sockets are cut sooner.
    """
    try:
        server = await asyncio.get_running_loop().create_server(
            protocol, host, port, backlog=BACKLOG, reuse_port=shared or None
        )
    except OSError as taken:
        raise _refusal(port, taken) from taken
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # connections have it of the socket that takes them
        for opened in server.sockets:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(patience * 1_000))
    return server


@contextlib.contextmanager
def held(host: str, port: int) -> Iterator[int]:
    """Keep a port for processes that share it, and give its number; for 0 any free one, the same on every address.

    The sockets are bound and never listen, so that no connection comes here; the port stays ours while no process
    listens.
    """
    if sys.platform != "linux":
        raise Refusal(
            "this system does not share out the connections of one port (SO_REUSEPORT): set WORKERS=1, and start "
            "several servers with ports of their own behind a balancer"
        )
    with contextlib.ExitStack() as stack:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            for family, kind, protocol, _, address in dict.fromkeys(found):
                place = (address[0], port or address[1], *address[2:])
                _bound(stack, family, kind, protocol, place, shared=False).close()  # who else listens is found here
                port = _bound(stack, family, kind, protocol, place, shared=True).getsockname()[1]
        except OSError as taken:
            raise _refusal(port, taken) from taken
        yield port


def _bound(
    stack: contextlib.ExitStack, family: int, kind: int, protocol: int, address: tuple[object, ...], *, shared: bool
) -> socket.socket:
    opened = stack.enter_context(socket.socket(family, kind, protocol))
    # connections of an earlier server that linger in TIME_WAIT do not count
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # as asyncio binds it
    opened.bind(address)
    return opened


def _refusal(port: int, taken: OSError) -> Refusal:
    why = os.strerror(taken.errno) if taken.errno else str(taken)  # what asyncio makes of it names the port again
    whose = ", by another MyPick or another program" if taken.errno == errno.EADDRINUSE else ""
    return Refusal(f"port {port} cannot be opened ({why}{whose}): set APP_PORT or --port to another")
