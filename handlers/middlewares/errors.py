"""Every failure becomes one shape, here and nowhere else."""

from __future__ import annotations

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from handlers.parts import PARTS
from handlers.paths import is_api, is_probe, is_socket
from handlers.replies import failure
from mypick import db
from mypick.errors import Code, DomainError

log = structlog.get_logger(__name__)

_RETRY_AWAY_MS = 2_000


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """``DomainError`` → its code; aiohttp's own refusals → the code that fits; anything else → ``INTERNAL`` with an
    incident id that finds the exception in the log and in Sentry. Cancellation passes."""
    if is_socket(request.path):
        return await handler(request)
    try:
        return await handler(request)
    except DomainError as error:
        response = await _answer(request, error, error.code.status)
        if not request.content.is_eof():
            # refused before its body was read: it may be a bomb, or no end of it; the client sees an orderly end
            response.force_close()
        return response
    except web.HTTPException as answer:
        if answer.status < 400:
            raise
        return await _translated(request, answer)
    except Exception as problem:
        if _client_is_gone(request, problem):
            log.debug("client went away", problem=type(problem).__name__)
            return web.Response(status=400)  # nobody reads it
        return await _answer(request, _incident(request, problem), None)


async def _answer(request: web.Request, error: DomainError, status: int | None) -> web.StreamResponse:
    show_page = request.app[PARTS].error_page
    if show_page is None or is_api(request.path) or is_probe(request.path):
        return failure(error, status)
    return await show_page(request, error, status or error.code.status)


async def _translated(request: web.Request, answer: web.HTTPException) -> web.StreamResponse:
    if answer.status == 404:
        error = DomainError(Code.NOT_FOUND, "there is nothing at this path; /api/docs lists what there is")
    elif isinstance(answer, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(answer.allowed_methods))
        error = DomainError(Code.INVALID, f"this path does not answer that method; use {allowed}")
    elif answer.status == 413:
        limit = request.app[PARTS].settings.max_body_bytes
        error = DomainError(Code.TOO_LARGE, f"the body is larger than {limit} bytes")
    elif answer.status >= 500:
        error = _incident(request, answer)
    else:
        error = DomainError(Code.INVALID, "the request cannot be read")
    response = await _answer(request, error, answer.status)
    if isinstance(answer, web.HTTPMethodNotAllowed):
        response.headers[hdrs.ALLOW] = ", ".join(sorted(answer.allowed_methods))
    if answer.status == 413:
        response.force_close()  # the rest of the body is not worth reading
    return response


def _incident(request: web.Request, problem: BaseException) -> DomainError:
    parts = request.app[PARTS]
    incident_id = parts.new_id()
    details = {"incident_id": incident_id}
    if isinstance(problem, db.AWAY):  # not a fault of the code, so Sentry need not know
        log.error("a part is away", incident_id=incident_id, error=repr(problem)[:300])
        return DomainError(Code.UNAVAILABLE, details=details, retry_after_ms=_RETRY_AWAY_MS)
    log.error("unexpected failure", incident_id=incident_id, exc_info=problem)
    parts.report(problem, incident_id)
    return DomainError(
        Code.INTERNAL,
        f"something went wrong on our side; try again, and if it stays, tell us the incident id {incident_id}",
        details=details,
    )


def _client_is_gone(request: web.Request, problem: BaseException) -> bool:
    # a reset of a connection of ours (database, Redis) is another thing: the client is still there
    transport = request.transport
    return isinstance(problem, ConnectionError) and (transport is None or transport.is_closing())
