"""Where a request comes from, seen through the proxies in front."""

from __future__ import annotations

from ipaddress import ip_address

from aiohttp import web
from aiohttp.typedefs import Handler

from handlers.parts import ADDRESS, PARTS

UNKNOWN = "0.0.0.0"  # noqa: S104 - not listened on: it stands for a peer without an address, such as a Unix socket
_MAX_HOPS = 50  # entries of X-Forwarded-For that are looked at, from the end


@web.middleware
async def addresses(request: web.Request, handler: Handler) -> web.StreamResponse:
    trusted = request.app[PARTS].settings.trusted_proxies
    request[ADDRESS] = client_address(
        request.transport.get_extra_info("peername") if request.transport else None,
        request.headers.getall("X-Forwarded-For", []),
        trusted,
    )
    return await handler(request)


def client_address(peer: object, forwarded_for: list[str], trusted_proxies: int) -> str:
    """The address that the outermost of our own proxies saw.

    Each proxy appends the address it was called from, so with ``n`` trusted proxies the n-th entry from the end is
    true and everything before it is the client's own invention. With none, or with a header too short or not an
    address, it is the peer itself.
    """
    seen = _address(str(peer[0])) if isinstance(peer, tuple) and peer else None
    if trusted_proxies > 0:
        hops = [hop.strip() for line in forwarded_for for hop in line.split(",")[-_MAX_HOPS:]]
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
