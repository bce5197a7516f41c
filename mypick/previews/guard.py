"""Which addresses a worker may connect to. A link is a way to make this server ask whatever it can reach.

Names are resolved here and all of their addresses looked at. The connection then goes to those very addresses, so a
name that means another address a moment later (rebinding) leads nowhere else.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a name, for a port."""

MAX_ADDRESSES = 16  # of one name
# IANA's registries of special addresses, written out: what `ipaddress` calls global differs between Pythons.
_SPECIAL_4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind a carrier's NAT
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's own, and global by its number
        "169.254.0.0/16",  # link-local: where most clouds tell machines their secrets
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, reserved, broadcast
    )
)
_GLOBAL_6 = IPv6Network("2000::/3")  # all that is routed in the Internet today
_SPECIAL_6 = tuple(
    IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")  # Teredo, documents, 6to4
)
_NAT64 = IPv6Network("64:ff9b::/96")


class Refused(Exception):
    """No connection is made; the text says why."""


def is_public(address: Address) -> bool:
    """Whether it is somebody's on the Internet, whatever it is wrapped in."""
    if isinstance(address, IPv6Address):
        if mapped := address.ipv4_mapped:
            return is_public(mapped)
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        return address in _GLOBAL_6 and not any(address in network for network in _SPECIAL_6)
    return not any(address in network for network in _SPECIAL_4)


class Guard:
    """``networks`` are let through although they are not public: an intranet that people here link to, or a test."""

    def __init__(self, networks: Sequence[Network] = ()) -> None:
        self._networks = tuple(networks)

    def check(self, text: str) -> None:
        """``Refused`` unless the address may be connected to."""
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            raise Refused("the name has an address that is none") from None
        if not is_public(address) and not any(address in network for network in self._networks):
            raise Refused("the address is not public")


class GuardedResolver(AbstractResolver):
    """Gives aiohttp the addresses that were looked at, and so the only ones that it connects to."""

    def __init__(self, guard: Guard, lookup: Lookup | None = None) -> None:
        self._guard = guard
        self._lookup = lookup or look_up

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - the protocol's shape
    ) -> list[ResolveResult]:
        found = await self._lookup(host, port)
        if not found:
            raise Refused("the name has no address")
        for address in found:  # one that is not public condemns the name: nobody honest mixes them
            self._guard.check(address)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found[:MAX_ADDRESSES]
        ]

    async def close(self) -> None: ...


async def look_up(host: str, port: int) -> Sequence[str]:
    """As the system resolves names, in the loop's threads."""
    found: list[Any] = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(entry[4][0] for entry in found))
