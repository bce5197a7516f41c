"""``Idempotency-Key``: an unsafe request that is sent twice is done once."""

from __future__ import annotations

import re

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from handlers.parts import ACTOR, PARTS
from handlers.replies import JSON, failure
from handlers.rules import rules_of
from mypick.errors import DomainError, invalid
from mypick.operations.idempotency import MAX_KEY, Answer, Claim, Idempotency, is_final, payload_hash

log = structlog.get_logger(__name__)

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_KEY = re.compile(rf"[\x21-\x7e]{{1,{MAX_KEY}}}")


@web.middleware
async def idempotency(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Only where the route's rules say so: answers are stored, so routes that answer with tokens or take passwords
    ignore the header."""
    rules = rules_of(request)
    keys = request.headers.getall(HEADER, [])
    if rules is None or not rules.idempotent or not keys:
        return await handler(request)
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        raise invalid(f"{HEADER} must be 1 to {MAX_KEY} printable ASCII characters", field=f"header.{HEADER}")
    store = request.app[PARTS].idempotency
    payload = payload_hash(request.method, request.path_qs, await request.read())
    claim = await store.claim(request[ACTOR].user_id, keys[0], payload)
    if isinstance(claim, Answer):
        return web.Response(
            text=claim.body, status=claim.status, content_type=JSON, headers={REPLAYED: "true"}
        )
    return await _answer_once(request, handler, store, claim)


async def _answer_once(
    request: web.Request, handler: Handler, store: Idempotency, claim: Claim
) -> web.StreamResponse:
    final = True
    try:
        response = await handler(request)
    except DomainError as error:
        # answered here and not by the outer middleware, so that a refusal that stands is stored as well
        response, final = failure(error), not error.code.retryable
    except Exception:
        await store.free(claim)
        raise
    try:
        if final and is_final(response.status) and isinstance(response, web.Response):
            kept = await store.keep(claim, Answer(response.status, response.text or ""))
            if not kept:
                log.warning("an idempotency key was taken over while its request ran", path=request.path)
        else:
            await store.free(claim)
    except Exception:
        # what was asked is done; the client must hear so, and the claim ends by its lease
        log.exception("an idempotency key could not be settled")
    return response
