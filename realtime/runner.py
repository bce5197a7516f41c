"""The commands of one namespace, run: limits, schema, guards, and acks and errors in one place."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Mapping
from typing import Any

import structlog
from pydantic import BaseModel

from mypick import db
from mypick.errors import Code, DomainError
from mypick.patience import Patience
from realtime.connection import Connection
from realtime.engine.member import failure
from realtime.parts import Parts
from realtime.registry import CommandSpec
from realtime.replies import decode, succeeded

log = structlog.get_logger(__name__)

RETRY_AWAY_MS = 2_000  # a database that restarts is back within seconds; clients add their own jitter
SLOW_COMMAND = 30.0  # seconds after which a command is given up; services answer in milliseconds


class Runner:
    """``owner`` is the namespace ``name`` whose methods the ``commands`` are."""

    def __init__(self, owner: object, name: str, commands: Mapping[str, CommandSpec], parts: Parts) -> None:
        self._owner = owner
        self._name = name
        self._parts = parts
        self._commands = commands
        self._monotonic = parts.clock.monotonic
        self.patience = Patience(SLOW_COMMAND)
        self._succeeded = {name: parts.metrics.commands.labels(name, "ok") for name in self._commands}
        self._seconds = {name: parts.metrics.command_seconds.labels(name) for name in (*self._commands, "unknown")}
        limits = {"socket.connect", "socket.command", *(spec.limit for spec in self._commands.values())}
        self._meters = {name: parts.limits.meter(name) for name in limits if parts.limits.counts_here(name)}
        self._at_once = {
            name: (spec, self._meters[spec.limit])
            for name, spec in self._commands.items()
            if spec.inline and spec.limit in self._meters
        }

    def receive(self, conn: Connection, arguments: Any) -> bytes | Awaitable[bytes]:
        """One event of a client: its name, then what came with it. The JSON of its ack."""
        began = self._monotonic()
        given = arguments if isinstance(arguments, list) else []
        name = given[0] if given and isinstance(given[0], str) else ""
        at_once = self._at_once.get(name)
        if at_once is None:
            return self._run(conn, self._commands.get(name), given, began)
        spec, meter = at_once
        try:
            meter.spend(conn.actor.user_id)
            cmd = self._decoded(conn, spec, given)
            for guard in spec.guards:
                guard(conn, cmd)
            answer = succeeded(spec.function(self._owner, conn, cmd))  # type: ignore[arg-type]  # inline: it does not wait
        except Exception as problem:
            return self._failed(conn, name, problem, began)
        self._count(name, began)
        return answer

    async def _run(self, conn: Connection, spec: CommandSpec | None, given: list[Any], began: float) -> bytes:
        name = spec.name if spec else "unknown"
        name_in_logs(conn, name)
        try:
            with self.patience.here():
                answer = succeeded(await self._execute(conn, spec, given))
        except Exception as problem:
            return self._failed(conn, name, problem, began)
        self._count(name, began)
        return answer

    async def _execute(self, conn: Connection, spec: CommandSpec | None, given: list[Any]) -> BaseModel:
        await self.spend(spec.limit if spec else "socket.command", conn.actor.user_id)
        if spec is None:
            known = ", ".join(sorted(self._commands))
            raise DomainError(Code.INVALID, f"there is no such command in {self._name}; there are: {known}")
        cmd = self._decoded(conn, spec, given)
        for guard in spec.guards:
            if (waiting := guard(conn, cmd)) is not None:
                await waiting
        reply = spec.function(self._owner, conn, cmd)
        return reply if isinstance(reply, BaseModel) else await reply

    async def spend(self, limit: str, whose: int | str) -> None:
        """``whose``: a user's id or the place of an address."""
        if meter := self._meters.get(limit):
            meter.spend(whose)
        elif isinstance(whose, int):
            await self._parts.limits.spend(limit, user_id=whose)
        else:
            await self._parts.limits.spend(limit, address=whose)

    def _decoded(self, conn: Connection, spec: CommandSpec, given: list[Any]) -> BaseModel:
        if spec.scope is not None and not conn.actor.has_scope(spec.scope):
            raise DomainError(Code.FORBIDDEN, f"this key lacks the scope {spec.scope}")
        return decode(spec, given)

    def _count(self, name: str, began: float) -> None:
        self._succeeded[name].value += 1
        self._seconds[name].observe(self._monotonic() - began)

    def _failed(self, conn: Connection, name: str, problem: Exception, began: float) -> bytes:
        """The one place where what went wrong becomes what the client is told."""
        if isinstance(problem, DomainError):
            error = problem
        elif isinstance(problem, TimeoutError):
            log.error("command given up", seconds=SLOW_COMMAND, command=name, connection_id=conn.sid)
            error = DomainError(Code.UNAVAILABLE, "it took too long: try again", retry_after_ms=1_000)
        else:
            with structlog.contextvars.bound_contextvars(connection_id=conn.sid, user_id=conn.actor.user_id):
                error = self.unexpected(name, problem)
        self._parts.metrics.commands.labels(name, error.code.name).inc()
        self._seconds[name].observe(self._monotonic() - began)
        return failure(error)

    def unexpected(self, doing: str, problem: Exception) -> DomainError:
        """What a client is told of ``problem``, which it did not cause; the log has the rest."""
        if isinstance(problem, db.AWAY):
            log.warning("a part is away", doing=doing, namespace=self._name, error=repr(problem)[:200])
            return DomainError(Code.UNAVAILABLE, retry_after_ms=RETRY_AWAY_MS)
        incident = secrets.token_hex(6)
        log.error("unexpected failure", incident=incident, doing=doing, namespace=self._name, exc_info=problem)
        return DomainError(
            Code.INTERNAL, f"something failed here, not with you; incident {incident}", details={"incident": incident}
        )


def name_in_logs(conn: Connection, command: str = "") -> None:
    """From here on the lines of this task name the client and what it asked; the task is the client's alone."""
    ids: dict[str, Any] = {"connection_id": conn.sid, "user_id": conn.actor.user_id}
    structlog.contextvars.bind_contextvars(**ids, **({"command": command} if command else {}))
