"""The base of every REST view: aiohttp-pydantic's typed handlers, with its looseness taken out.

As it comes, aiohttp-pydantic ignores unknown query fields, repeats what was sent in its errors, and reads bodies
without bounds. Here each of its injectors is replaced by a strict one; the signatures and the document stay its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import hdrs, web
from aiohttp_pydantic import PydanticView
from aiohttp_pydantic.injectors import (
    AbstractInjector,
    BodyGetter,
    MatchInfoGetter,
    QueryGetter,
)
from pydantic import BaseModel, ValidationError

from handlers.bodies import as_object, parse_json, refuse_content, require_json
from handlers.parts import ACTOR, ADDRESS, PARTS, RestParts
from mypick.accounts.actor import Actor
from mypick.errors import Code, DomainError, invalid
from mypick.validation import to_invalid
from mypick.wire import storable

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class ApiView(PydanticView):  # type: ignore[misc]  # the package has no type hints
    """A path of ``/api``. Methods declare path, query and body as parameters; see aiohttp-pydantic."""

    @property
    def parts(self) -> RestParts:
        parts: RestParts = self.request.app[PARTS]
        return parts

    @property
    def viewer(self) -> Actor | None:
        """Who asks, where anyone may."""
        viewer: Actor | None = self.request.get(ACTOR)
        return viewer

    @property
    def actor(self) -> Actor:
        """Who asks. The middleware refused the nameless before the handler ran."""
        actor: Actor = self.request[ACTOR]
        return actor

    @property
    def address(self) -> str:
        address: str = self.request[ADDRESS]
        return address

    async def _iter(self) -> web.StreamResponse:
        method = self.request.method
        if method == "OPTIONS":
            return web.Response(status=204, headers={hdrs.ALLOW: ", ".join(self._all_allowed())})
        if method == "HEAD" and "GET" in self.allowed_methods:
            method = "GET"  # aiohttp leaves the body away
        if method not in self.allowed_methods:
            raise web.HTTPMethodNotAllowed(method, self._all_allowed())
        handler: Callable[[], Any] = getattr(self, method.lower())
        answer: web.StreamResponse = await handler()
        return answer

    def _all_allowed(self) -> list[str]:
        allowed = {*self.allowed_methods, "OPTIONS"}
        return sorted(allowed | {"HEAD"} if "GET" in allowed else allowed)

    @staticmethod
    def _parse_func_signature(func: Callable[..., Any]) -> Iterable[AbstractInjector]:
        injectors = [_strict(injector) for injector in PydanticView._parse_func_signature(func)]
        if not any(isinstance(injector, StrictQuery) for injector in injectors):
            injectors.append(NoQuery())
        has_body = any(isinstance(injector, StrictBody) for injector in injectors)
        if func.__name__.upper() in UNSAFE and not has_body:
            injectors.append(NoBody())
        return injectors

    async def on_validation_error(self, exception: ValidationError, context: str) -> web.StreamResponse:
        if context == "path":
            # what cannot be an id names nothing
            raise DomainError(Code.NOT_FOUND, "there is nothing at this path: what stands for an id is none") from None
        raise to_invalid(exception, _PLACES.get(context, context)) from None


_PLACES = {"query string": "query", "headers": "header"}


class StrictBody(AbstractInjector):  # type: ignore[misc]  # the package has no type hints
    """A JSON object that the parameter's model takes."""

    context = "body"

    def __init__(self, name: str, model: type[BaseModel]) -> None:
        self._name = name
        self.model = model

    async def inject(self, request: web.Request, _: list[Any], kwargs_view: dict[str, Any]) -> None:
        require_json(request)
        kwargs_view[self._name] = self.model.model_validate(as_object(parse_json(await request.read())))


class NoBody(AbstractInjector):  # type: ignore[misc]  # the package has no type hints
    """For commands whose path says all."""

    context = "body"
    model = BaseModel

    def __init__(self) -> None: ...

    async def inject(self, request: web.Request, *_: object) -> None:
        await refuse_content(request)


class StrictQuery(AbstractInjector):  # type: ignore[misc]  # the package has no type hints
    """Query fields that the signature names, each at most once."""

    context = "query string"

    def __init__(self, inner: QueryGetter) -> None:
        self._inner = inner
        self.model = inner.model
        self._names = frozenset(inner.model.model_fields)

    def inject(self, request: web.Request, args_view: list[Any], kwargs_view: dict[str, Any]) -> None:
        _refuse_odd_query(request, self._names)
        self._inner.inject(request, args_view, kwargs_view)


class NoQuery(AbstractInjector):  # type: ignore[misc]  # the package has no type hints
    """For routes without query fields."""

    context = "query string"
    model = BaseModel

    def __init__(self) -> None: ...

    def inject(self, request: web.Request, *_: object) -> None:
        _refuse_odd_query(request, frozenset())


def _refuse_odd_query(request: web.Request, known: frozenset[str]) -> None:
    seen: set[str] = set()
    for name, value in request.query.items():
        # cut, and raw bytes (which arrive as half surrogates) made readable: it is the client's own text
        shown = name[:64].encode("utf-8", "backslashreplace").decode()
        if name not in known:
            raise invalid(f"there is no query field {shown!r} here", field=f"query.{shown}")
        if name in seen:
            raise invalid(f"the query field {name} is given twice", field=f"query.{name}")
        seen.add(name)
        try:
            storable(value)
        except ValueError as problem:
            raise invalid(f"the query field {name} {problem}", field=f"query.{name}") from problem


def _strict(injector: AbstractInjector) -> AbstractInjector:
    if isinstance(injector, BodyGetter):
        return StrictBody(injector.arg_name, injector.model)
    if isinstance(injector, QueryGetter):
        return StrictQuery(injector)
    if isinstance(injector, MatchInfoGetter):
        return injector
    raise TypeError(f"{type(injector).__name__}: headers are read by the middlewares")
