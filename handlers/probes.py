"""What machines ask: health for people and balancers, metrics for Prometheus."""

from __future__ import annotations

import hmac

from aiohttp import hdrs, web
from prometheus_client.exposition import choose_encoder
from pydantic_core import to_json

from handlers.parts import PARTS
from handlers.replies import JSON
from mypick.errors import Code, DomainError
from mypick.operations.health import HealthReport


async def health(request: web.Request) -> web.Response:
    """Each part, its state and its latency; 503 where the server cannot serve."""
    report = await request.app[PARTS].health.report()
    return _json(report, 503 if report.status == "down" else 200)


async def live(request: web.Request) -> web.Response:  # noqa: ARG001 - the shape of a handler
    """That this answers is the answer: the loop runs. A balancer restarts what is not live."""
    return web.Response(body=b'{"status":"up"}', content_type=JSON, headers=_FRESH)


async def ready(request: web.Request) -> web.Response:
    """503 while starting, while draining, and while a part is down without which nothing works."""
    report = await request.app[PARTS].health.report()
    return _json(report, 200 if report.ready else 503)


async def metrics(request: web.Request) -> web.Response:
    """In Prometheus' text format, of all processes that share the port. Asks for a bearer token where the setting names
    one."""
    parts = request.app[PARTS]
    wanted = parts.settings.metrics_token
    if wanted:
        given = request.headers.get(hdrs.AUTHORIZATION, "")
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), f"Bearer {wanted}".encode()):
            raise DomainError(Code.UNAUTHENTICATED, "send Authorization: Bearer <METRICS_TOKEN>")
    encode, content_type = choose_encoder(request.headers.get(hdrs.ACCEPT, ""))
    shown = await parts.siblings.metrics() if parts.siblings else parts.metrics.registry
    # set as a header: aiohttp's content_type takes no parameters, and the version is one
    return web.Response(body=encode(shown), headers={hdrs.CONTENT_TYPE: content_type, **_FRESH})


_FRESH = {hdrs.CACHE_CONTROL: "no-store"}


def _json(report: HealthReport, status: int) -> web.Response:
    return web.Response(body=to_json(report), status=status, content_type=JSON, headers=_FRESH)


def add_probes(app: web.Application) -> None:
    app.router.add_get("/health", health)
    app.router.add_get("/health/live", live)
    app.router.add_get("/health/ready", ready)
    app.router.add_get("/metrics", metrics)
