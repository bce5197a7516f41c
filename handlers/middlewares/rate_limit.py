"""How much one user or address may ask, and what is left."""

from __future__ import annotations

from math import ceil

from aiohttp import web
from aiohttp.typedefs import Handler

from handlers.parts import ACTOR, ADDRESS, PARTS, RATE_HEADERS
from handlers.paths import is_api
from handlers.rules import rules_of
from mypick.limits import GENERAL, Allowance


@web.middleware
async def rate_limit(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Counts against the general limit and, where the route's rules name one, against that."""
    if not is_api(request.path):
        return await handler(request)
    await spend(request, GENERAL)
    rules = rules_of(request)
    if rules is not None and rules.limit is not None:
        await spend(request, rules.limit)
    return await handler(request)


async def spend(request: web.Request, name: str) -> None:
    """Count this request against the limit ``name``. Raises ``RATE_LIMITED``."""
    actor = request.get(ACTOR)
    allowance = await request.app[PARTS].limits.spend(
        name, user_id=actor.user_id if actor else None, address=request[ADDRESS]
    )
    _remember_tightest(request, allowance)


def _remember_tightest(request: web.Request, allowance: Allowance) -> None:
    # of several limits the client hears of the one that it meets first
    known = request.get(RATE_HEADERS)
    if known is None or allowance.remaining < int(known["RateLimit-Remaining"]):
        request[RATE_HEADERS] = {
            "RateLimit-Limit": str(allowance.limit),
            "RateLimit-Remaining": str(max(0, allowance.remaining)),
            "RateLimit-Reset": str(max(0, ceil(allowance.reset_after_s))),
        }


async def tell_what_is_left(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in request.get(RATE_HEADERS, {}).items():
        response.headers.setdefault(name, value)  # a refusal tells of the limit that refused, route's or service's
