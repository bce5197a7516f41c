"""One line and one measurement for each request."""

from __future__ import annotations

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_async.aio import time as timed

from handlers.parts import PARTS
from handlers.paths import is_probe, is_socket

log = structlog.get_logger(__name__)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@web.middleware
async def access_log(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Logs method, path (without query: queries hold what people search for), status and milliseconds.

    Labels of the metrics are bounded: a route's pattern, never a path; a known method or ``OTHER``.
    """
    if is_socket(request.path):
        return await handler(request)
    clock, metrics = request.app[PARTS].clock, request.app[PARTS].metrics
    method, route = _method(request), _route(request)
    began = clock.monotonic()
    status = 499  # the client went away before there was an answer
    try:
        response = await timed(metrics.http_seconds.labels(method, route), handler(request))
        status = response.status
    except web.HTTPException as answer:
        status = answer.status
        raise
    else:
        return response
    finally:
        seconds = clock.monotonic() - began
        metrics.http_requests.labels(method, route, str(status)).inc()
        write = log.debug if is_probe(request.path) else log.info
        write(
            "request", method=method, path=_path(request), route=route, status=status, ms=round(seconds * 1000, 1)
        )


def _method(request: web.Request) -> str:
    return request.method if request.method in _METHODS else "OTHER"


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unmatched"


def _path(request: web.Request) -> str:
    # raw bytes of a path can arrive as half surrogates, which no log format takes
    return request.path[:200].encode("utf-8", "backslashreplace").decode()
