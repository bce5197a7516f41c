"""Where a client is, seen through the proxies in front. One rule for both doors."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

UNKNOWN = "0.0.0.0"  # noqa: S104 - not listened on: it stands for a peer without an address, such as a Unix socket
MAX_HOPS = 50  # entries of one X-Forwarded-For line that are looked at, from the end


def client_address(peer: object, forwarded_for: Sequence[str], trusted_proxies: int) -> str:
    """The address that the outermost of our own proxies saw.

    ``peer`` is what the socket names as its other end, ``(host, port, …)``; ``forwarded_for`` are all lines of that
    header, since a proxy may add one of its own below the one that the client made up. Each proxy appends the address
    it was called from, so with ``n`` trusted proxies the n-th entry from the end is true and everything before it is
    the client's own invention. With none, or with a header too short or not an address, it is the peer itself.
    """
    seen = _address(str(peer[0])) if isinstance(peer, tuple) and peer else None
    if trusted_proxies > 0:
        hops = [hop.strip() for line in forwarded_for for hop in line.split(",")[-MAX_HOPS:]]
        if len(hops) >= trusted_proxies:
            seen = _address(hops[-trusted_proxies]) or seen
    return seen or UNKNOWN


def _address(text: str) -> str | None:
    try:
        address = ip_address(text.partition("%")[0].strip("[]"))
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
