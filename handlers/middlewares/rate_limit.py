"""How much one user or address may ask, and what is left."""

from __future__ import annotations

from math import ceil

from aiohttp import web
from aiohttp.typedefs import Handler

from handlers.parts import ACTOR, ADDRESS, PARTS, RATE_HEADERS
from handlers.paths import is_api
from handlers.rules import rules_of
from mypick.errors import Code, DomainError
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
    try:
        allowance = await request.app[PARTS].limits.spend(
            name, user_id=actor.user_id if actor else None, address=request[ADDRESS]
        )
    except DomainError as refused:
        if refused.code is Code.RATE_LIMITED and refused.retry_after_ms is not None:
            seconds = str(max(1, ceil(refused.retry_after_ms / 1000)))
            request[RATE_HEADERS] = {
                **request.get(RATE_HEADERS, {}),
                "RateLimit-Remaining": "0",
                "RateLimit-Reset": seconds,
            }
        raise
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
    response.headers.update(request.get(RATE_HEADERS, {}))
