"""Where a client is, seen through the proxies in front."""

from __future__ import annotations

from ipaddress import ip_address

from realtime.transport import Peer

MAX_HOPS = 50  # entries of X-Forwarded-For that are looked at, from the end


def client_address(peer: Peer, trusted_proxies: int) -> str:
    """The address of the client itself: behind ``n`` proxies the n-th from the right is the last that we can trust.
    What stands there and is no address is not believed."""
    hops = peer.forwarded_for.split(",")[-MAX_HOPS:]
    if 0 < trusted_proxies <= len(hops):
        try:
            address = ip_address(hops[-trusted_proxies].strip().partition("%")[0].strip("[]"))
        except ValueError:
            return peer.address
        return str(getattr(address, "ipv4_mapped", None) or address)
    return peer.address
