"""Commands of a namespace: name, schema and guards stand right above the function."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel

from realtime.connection import Connection

Guard = Callable[[Connection, Any], Awaitable[None] | None]
"""Looks at a decoded command before its function runs; raises ``DomainError`` to refuse it."""

Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """One command as it was declared."""

    name: str
    model: type[BaseModel]
    reply: type[BaseModel]
    guards: Sequence[Guard]
    limit: str
    scope: str | None  # that an API key needs beyond the one that let it in
    function: Callable[..., Awaitable[BaseModel] | BaseModel]
    summary: str
    acked: bool  # whether the wire promises an ack; a client that asks for one is answered in any case
    inline: bool  # neither function nor guards wait for anything: it runs where it was read


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event that the server sends in a namespace; read by the AsyncAPI document."""

    name: str
    model: type[BaseModel]
    durable: bool
    summary: str
    droppable: bool = False  # only the newest matters: a client that does not read misses it


def command(
    name: str,
    *,
    guards: Sequence[Guard] = (),
    limit: str = "socket.command",
    scope: str | None = None,
    acked: bool = True,
) -> Callable[[Handler], Handler]:
    """Declare ``async def f(self, conn: Connection, cmd: Model) -> Reply`` as the command ``name``.

    A plain ``def``, with guards that are plain too, runs where the event was read: for what takes microseconds and
    does no I/O.

    ``limit`` names the rate that one user may send it at; ``scope`` is what an API key needs for it, beyond the scope
    that opens the namespace.
    """

    def declare(function: Handler) -> Handler:
        hints = get_type_hints(function)
        parameters = list(inspect.signature(function).parameters)
        spec = CommandSpec(
            name=name,
            model=hints[parameters[2]],
            reply=hints["return"],
            guards=tuple(guards),
            limit=limit,
            scope=scope,
            function=function,
            summary=(inspect.getdoc(function) or "").split("\n\n")[0],
            acked=acked,
            inline=not any(inspect.iscoroutinefunction(part) for part in (function, *guards)),
        )
        function.__command__ = spec  # type: ignore[attr-defined]  # read by commands_of
        return function

    return declare


def commands_of(namespace: type) -> dict[str, CommandSpec]:
    """The commands declared in ``namespace`` and its bases, by name. Two of one name are a mistake."""
    found: dict[str, CommandSpec] = {}
    for attribute in dir(namespace):
        spec = getattr(getattr(namespace, attribute, None), "__command__", None)
        if isinstance(spec, CommandSpec):
            if spec.name in found:
                raise RuntimeError(f"{namespace.__name__} declares {spec.name} twice")
            found[spec.name] = spec
    return found
