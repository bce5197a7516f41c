"""The emulator's control surface over HTTP, for other processes: ``POST /_control/<action>`` with a JSON object.

The fields are the arguments of the method of the same name (``go-live`` is ``go_live``); times are ISO 8601 and a body
to serve is base64. The answer is ``{"result": …}``, or 400 with ``{"error": "what is wrong"}``. ``GET /_control/state``
tells channels, counts and quota. There is no password: listen on loopback.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web
from pydantic import ValidationError, validate_call

from demo.faults import CONTROL
from demo.world import Refused

if TYPE_CHECKING:
    from demo.youtube import PlatformEmulator

_TIMES = frozenset({"at", "publish_at", "planned_at"})
_ACTIONS = (
    "add_channel", "describe", "remove_channel", "publish", "schedule", "schedule_live", "go_live", "end_live",
    "make_private", "make_public", "delete", "edit", "set_views", "set_daily_quota", "fail_next", "latency", "outage",
    "serve_body", "redirect", "stop_serving", "be_well",
)  # fmt: skip


def add_control(app: web.Application, emulator: PlatformEmulator) -> None:
    for name in _ACTIONS:
        app.router.add_post(CONTROL + name.replace("_", "-"), _action(getattr(emulator, name)))

    async def state(_: web.Request) -> web.Response:
        channels = {
            channel.id: {
                "title": channel.title,
                "handle": channel.handle,
                "uploads": len(channel.uploads),
                "newest": [video.id for video in emulator.newest(channel, 5)],
            }
            for channel in emulator.channels.values()
        }
        return web.json_response(
            {"channels": channels, "units_used": emulator.units_used, "calls": dict(emulator.calls)}
        )

    app.router.add_get(CONTROL + "state", state)


def _action(method: Callable[..., Any]) -> Callable[[web.Request], Any]:
    checked = validate_call(method)

    async def handle(request: web.Request) -> web.Response:
        try:
            raw = await request.read()
            fields = json.loads(raw) if raw else {}
            if not isinstance(fields, dict):
                raise TypeError("send a JSON object")  # noqa: TRY301 - one place answers all of them
            arguments = {name: _typed(name, value) for name, value in fields.items()}
            result = checked(**arguments)
        except ValidationError as failure:
            told = [f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in failure.errors()]
            return web.json_response({"error": "; ".join(told)}, status=400)
        except (Refused, ValueError, TypeError) as failure:
            return web.json_response({"error": str(failure)}, status=400)
        return web.json_response({"result": result})

    return handle


def _typed(name: str, value: Any) -> Any:
    try:
        if name in _TIMES and value is not None:
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if name == "body":
            return base64.b64decode(value, validate=True)
    except (ValueError, TypeError):
        raise ValueError(f"{name} must be {'base64' if name == 'body' else 'an ISO 8601 time'}") from None
    return value
