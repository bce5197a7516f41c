"""Headers that tell browsers what not to do."""

from __future__ import annotations

from aiohttp import hdrs, web

from handlers.parts import PARTS
from handlers.paths import is_api, is_socket

PAGE_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' https: data:",  # pictures come from the platforms' many hosts
        "style-src 'self'",
        "script-src 'self'",
        "connect-src 'self' ws: wss:",  # older browsers do not count a socket as 'self'
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""For pages. One that needs more, such as a player, sets its own header, which is left as it is."""

API_POLICY = "default-src 'none'; frame-ancestors 'none'"
_HSTS = "max-age=31536000; includeSubDomains"


async def security_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.pop(hdrs.SERVER, None)  # aiohttp names its version and Python's, which only attackers look up
    if is_socket(request.path):
        return
    headers = response.headers
    is_page = response.content_type == "text/html"
    headers.setdefault("Content-Security-Policy", PAGE_POLICY if is_page else API_POLICY)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("X-Frame-Options", "DENY")  # for browsers without frame-ancestors
    headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
    if is_api(request.path):
        headers.setdefault(hdrs.CACHE_CONTROL, "no-store")  # answers are one person's and old in a moment
    settings = request.app[PARTS].settings
    if settings.in_production and settings.https:
        headers.setdefault("Strict-Transport-Security", _HSTS)
