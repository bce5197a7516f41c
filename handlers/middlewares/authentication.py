"""Who asks. Routes are closed unless their rules open them."""

from __future__ import annotations

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from handlers.middlewares.rate_limit import spend
from handlers.parts import ACTOR, PARTS
from handlers.rules import Access, Rules, rules_of
from mypick.accounts.actor import Actor
from mypick.errors import Code, DomainError
from mypick.limits import GENERAL

KEY_HEADER = "X-API-Key"


@web.middleware
async def authentication(request: web.Request, handler: Handler) -> web.StreamResponse:
    rules = rules_of(request)
    if rules is None or rules.access is Access.OPEN:
        return await handler(request)
    try:
        actor = await _actor(request)
    except DomainError:
        # counted against the address, or guessing keys would be free
        await spend(request, GENERAL)
        raise
    if actor is None:
        if rules.access is not Access.PUBLIC:
            await spend(request, GENERAL)
            raise DomainError(
                Code.UNAUTHENTICATED, "log in and send Authorization: Bearer <access token>, or send X-API-Key"
            )
        return await handler(request)
    _check_scope(actor, rules)
    request[ACTOR] = actor
    structlog.contextvars.bind_contextvars(user_id=actor.user_id)
    return await handler(request)


async def _actor(request: web.Request) -> Actor | None:
    header, key = request.headers.get(hdrs.AUTHORIZATION), request.headers.get(KEY_HEADER)
    if header is not None and key is not None:
        raise DomainError(Code.UNAUTHENTICATED, "send either Authorization or X-API-Key, not both")
    accounts = request.app[PARTS].accounts
    if key is not None:
        return await accounts.authenticate_key(key)
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise DomainError(Code.UNAUTHENTICATED, "the header must be Authorization: Bearer <access token>")
    return await accounts.authenticate(token.strip())


def _check_scope(actor: Actor, rules: Rules) -> None:
    if actor.scopes is None or rules.access is Access.PUBLIC:
        return
    if rules.access is Access.SESSION:
        raise DomainError(Code.FORBIDDEN, "an API key may not do this; log in")
    if rules.scope is not None and not actor.has_scope(rules.scope):
        raise DomainError(Code.FORBIDDEN, f"this API key lacks the scope {rules.scope}")
