"""``/api/docs`` and ``/api/docs/events``. Pages without scripts: they work offline and under the strictest policy."""

from __future__ import annotations

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
_STYLE = "style.css"


def add_docs(app: web.Application) -> None:
    """Made once, from what ``app`` has by now: add the API first."""
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
        spec="/api/docs/spec",
        document=rest,
        places=[],
        groups=operation_groups(rest),
        schemas=schema_outline(rest),
        body_caption="Body",
    )
    events_page = page.render(
        which="events",
        spec="/api/docs/events/spec",
        document=sockets,
        places=headings(sockets["info"]["description"]),
        groups=event_groups(sockets),
        schemas=schema_outline(sockets),
        body_caption="Payload",
    )
    style = (folder / _STYLE).read_text("utf-8")
    for path, content_type, body in (
        ("/api/docs", "text/html", rest_page.encode()),
        ("/api/docs/spec", JSON, orjson.dumps(rest)),
        ("/api/docs/events", "text/html", events_page.encode()),
        ("/api/docs/events/spec", JSON, orjson.dumps(sockets)),
        (f"/api/docs/{_STYLE}", "text/css", style.encode()),
    ):
        app.router.add_get(path, _serve(body, content_type))


def _serve(body: bytes, content_type: str) -> Handler:
    async def serve(request: web.Request) -> web.StreamResponse:  # noqa: ARG001 - the shape of a handler
        charset = None if content_type == JSON else "utf-8"
        return web.Response(body=body, content_type=content_type, charset=charset, headers=_FRESH)

    return serve
