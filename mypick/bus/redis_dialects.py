"""The two kinds of pub/sub, and which server speaks which."""

from __future__ import annotations

from dataclasses import dataclass

from redis.asyncio.connection import AbstractConnection


class LinkError(ConnectionError):
    """The link is dead; make another."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The words of one kind of pub/sub."""

    publish: str
    subscribe: str
    unsubscribe: str
    message: bytes
    channels_in_a_command: int | None  # a cluster takes the channels of one command from one slot alone
    since: int  # the first version of Redis that knows it; Valkey tells which one it equals


CLASSIC = Dialect("PUBLISH", "SUBSCRIBE", "UNSUBSCRIBE", b"message", None, 2)
SHARDED = Dialect("SPUBLISH", "SSUBSCRIBE", "SUNSUBSCRIBE", b"smessage", 1, 7)


@dataclass(frozen=True, slots=True)
class Speaker:
    """A publishing connection as Redis knows it. Ids begin anew with each run of a server."""

    server: bytes
    id: int


async def identify(connection: AbstractConnection, dialect: Dialect) -> Speaker:
    """``LinkError`` where the server is too old for the dialect."""
    await connection.send_command("CLIENT", "ID")
    id_ = int(await connection.read_response())
    await connection.send_command("INFO", "server")
    told = dict(line.split(b":", 1) for line in (await connection.read_response()).splitlines() if b":" in line)
    version = told[b"redis_version"].decode()
    if int(version.partition(".")[0]) < dialect.since:
        raise LinkError(
            f"REDIS_BUS=sharded needs Redis 7.0 or Valkey 7.2, and this server is {version}: "
            "set REDIS_BUS=classic, or REDIS_BUS_URL to a newer one"
        )
    return Speaker(told[b"run_id"], id_)
