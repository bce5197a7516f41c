"""``/api/docs`` and ``/api/docs/events``. Pages without scripts: they work offline and under the strictest policy."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from importlib import resources

import jinja2
import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from handlers.asyncapi import asyncapi
from handlers.docs.markdown import headings, render, render_line
from handlers.docs.outline import event_groups, operation_groups, schema_outline
from handlers.openapi import openapi
from handlers.parts import PARTS
from handlers.replies import JSON

_FRESH = {"Cache-Control": "no-cache"}
REST_PAGE, REST_SPEC = "/api/docs", "/api/docs/spec"
EVENTS_PAGE, EVENTS_SPEC = "/api/docs/events", "/api/docs/events/spec"
STYLE = "/api/docs/style.css"
_TYPES = {REST_PAGE: "text/html", REST_SPEC: JSON, EVENTS_PAGE: "text/html", EVENTS_SPEC: JSON, STYLE: "text/css"}


def add_docs(app: web.Application) -> None:
    """Routes of the documents, which are made when the first of them is asked for."""
    documents = Documents(app)
    for path, content_type in _TYPES.items():
        app.router.add_get(path, _serve(documents, content_type))


class Documents:
    """Of what ``app`` has when the first is asked for; then they are kept.

    They take half a second of CPU, which was a fifth of a server's start: they are made in a thread, where they cost
    others some turns of 5 ms, once, and only where somebody reads them.
    """

    def __init__(self, app: web.Application) -> None:
        self._app = app
        self._made: Mapping[str, bytes] = {}  # by path
        self._making = asyncio.Lock()

    async def read(self, path: str) -> bytes:
        async with self._making:
            if not self._made:
                self._made = await asyncio.to_thread(_make, self._app)
        return self._made[path]


def _make(app: web.Application) -> Mapping[str, bytes]:
    parts = app[PARTS]
    version, server_url = parts.settings.version, parts.settings.app_url
    rest = openapi(app, version=version, server_url=server_url)
    sockets = asyncapi(parts.events, version=version, server_url=server_url)
    folder = resources.files("handlers.docs") / "templates"
    templates = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (folder / name).read_text("utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["markdown"] = render
    templates.filters["markdown_line"] = render_line
    page = templates.get_template("page.html")
    rest_page = page.render(
        which="rest",
        spec=REST_SPEC,
        document=rest,
        places=[],
        groups=operation_groups(rest),
        schemas=schema_outline(rest),
        body_caption="Body",
    )
    events_page = page.render(
        which="events",
        spec=EVENTS_SPEC,
        document=sockets,
        places=headings(sockets["info"]["description"]),
        groups=event_groups(sockets),
        schemas=schema_outline(sockets),
        body_caption="Payload",
    )
    return {
        REST_PAGE: rest_page.encode(),
        REST_SPEC: orjson.dumps(rest),
        EVENTS_PAGE: events_page.encode(),
        EVENTS_SPEC: orjson.dumps(sockets),
        STYLE: (folder / "style.css").read_bytes(),
    }


def _serve(documents: Documents, content_type: str) -> Handler:
    async def serve(request: web.Request) -> web.StreamResponse:
        charset = None if content_type == JSON else "utf-8"
        body = await documents.read(request.path)
        return web.Response(body=body, content_type=content_type, charset=charset, headers=_FRESH)

    return serve
