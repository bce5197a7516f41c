"""The REST door, put together."""

from __future__ import annotations

from aiohttp import web

from handlers.docs.routes import add_docs
from handlers.downloads import add_downloads
from handlers.middlewares.access_log import access_log
from handlers.middlewares.addresses import addresses
from handlers.middlewares.authentication import authentication
from handlers.middlewares.body_limit import body_limit
from handlers.middlewares.cors import cors, grant_origin
from handlers.middlewares.errors import errors
from handlers.middlewares.idempotency import idempotency
from handlers.middlewares.rate_limit import rate_limit, tell_what_is_left
from handlers.middlewares.request_ids import echo_request_id, request_ids
from handlers.middlewares.security_headers import security_headers
from handlers.parts import PARTS, RestParts
from handlers.probes import add_probes
from handlers.routes import add_api

MIDDLEWARES = (
    request_ids,  # outermost: every line that follows carries the id
    access_log,  # sees the status that leaves
    errors,  # everything within may raise
    cors,  # a preflight carries no token and must be answered
    addresses,
    authentication,
    rate_limit,  # by user, so after authentication, which counts its own failures
    body_limit,  # nothing is read for who may not ask
    idempotency,
)


def build_app(parts: RestParts) -> web.Application:
    """The application with the API, its documents, health and metrics. Pages and sockets may be added to it: their
    paths outside ``/api`` pass the middlewares that concern ``/api`` untouched."""
    app = web.Application(middlewares=MIDDLEWARES, client_max_size=parts.settings.max_body_bytes)
    app[PARTS] = parts
    app.on_response_prepare.extend([echo_request_id, grant_origin, security_headers, tell_what_is_left])
    add_probes(app)
    add_api(app)
    add_docs(app)
    add_downloads(app)
    return app
