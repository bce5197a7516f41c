"""What a route asks of a request before its handler runs. Declared above the handler, obeyed by the middlewares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

from aiohttp import web

from handlers.paths import is_api
from mypick.errors import Code

Handler = TypeVar("Handler", bound=Callable[..., Any])

_ATTRIBUTE = "rest_rules"


class Access(Enum):
    """Who may ask."""

    USER = "user"  # a session, or a key with the route's scope
    SESSION = "session"  # a session only: a key must not make keys or change the password
    PUBLIC = "public"  # anyone; who shows a token is known, and a bad token is refused
    OPEN = "open"  # anyone; tokens are not looked at


@dataclass(frozen=True, slots=True)
class Rules:
    """``scope``: what a key must be allowed. ``limit``: a limit besides the general one. ``idempotent``: whether an
    ``Idempotency-Key`` is honoured; never where the answer holds a secret, for answers are stored."""

    operation_id: str
    tag: str
    access: Access
    scope: str | None
    limit: str | None
    idempotent: bool
    errors: tuple[Code, ...]


def rules(
    operation_id: str,
    *,
    tag: str,
    access: Access = Access.USER,
    scope: str | None = None,
    limit: str | None = None,
    idempotent: bool = False,
    errors: tuple[Code, ...] = (),
) -> Callable[[Handler], Handler]:
    """Declare the rules of one method of a view. ``errors``: the codes of its own service function, for the document;
    those that every route of its kind can give are known."""
    if access is Access.USER and scope is None:
        raise ValueError(f"{operation_id}: a route that keys may use names the scope they need")
    if idempotent and access not in (Access.USER, Access.SESSION):
        raise ValueError(f"{operation_id}: an idempotency key belongs to a user, and {access.value} routes have none")
    declared = Rules(operation_id, tag, access, scope, limit, idempotent, errors)

    def mark(handler: Handler) -> Handler:
        setattr(handler, _ATTRIBUTE, declared)
        return handler

    return mark


def rules_of_method(view: object, method: str) -> Rules | None:
    """The rules of ``GET`` and so on of a view; ``HEAD`` has those of ``GET``."""
    name = "get" if method == "HEAD" else method.lower()
    found = getattr(getattr(view, name, None), _ATTRIBUTE, None)
    return found if isinstance(found, Rules) else None


def rules_of(request: web.Request) -> Rules | None:
    """The rules of the route that will answer; None outside ``/api``, for unknown paths and for other methods."""
    if not is_api(request.path):
        return None
    return rules_of_method(request.match_info.handler, request.method)
