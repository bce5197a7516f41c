"""Which other origins' pages may call ``/api``. Tokens travel in a header that scripts set, never in a cookie, so
credentials in CORS's sense are never allowed and a foreign page gains nothing from its visitor's log-in."""

from __future__ import annotations

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from handlers.parts import PARTS
from handlers.paths import is_api

ALLOWED_METHODS = "GET, HEAD, POST, PATCH, DELETE, OPTIONS"
ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, X-API-Key, X-Request-ID"
EXPOSED_HEADERS = (
    "Idempotency-Replayed, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-ID"
)
PREFLIGHT_LIFE = 600  # seconds that a browser may keep the answer; Chromium's own bound is 7,200


@web.middleware
async def cors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers preflights. From an origin that is not allowed the answer grants nothing, and the browser refuses."""
    preflight = (
        request.method == "OPTIONS"
        and hdrs.ORIGIN in request.headers
        and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
    )
    if not (preflight and is_api(request.path)):
        return await handler(request)
    response = web.Response(status=204)
    response.headers[hdrs.VARY] = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
    if request.headers[hdrs.ORIGIN] in request.app[PARTS].settings.allowed_origins:
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = ALLOWED_METHODS
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = ALLOWED_HEADERS
        response.headers[hdrs.ACCESS_CONTROL_MAX_AGE] = str(PREFLIGHT_LIFE)
    return response


async def grant_origin(request: web.Request, response: web.StreamResponse) -> None:
    """A signal, so that refusals and failures can be read by the page as well."""
    if not is_api(request.path):
        return
    # caches must not show one origin's answer to another, whether or not this one was allowed
    response.headers.setdefault(hdrs.VARY, "Origin")
    origin = request.headers.get(hdrs.ORIGIN)
    if origin in request.app[PARTS].settings.allowed_origins:
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
        response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = EXPOSED_HEADERS
