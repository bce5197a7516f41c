"""Who comes into a namespace, and until when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from mypick.accounts.actor import Actor
from mypick.errors import Code, DomainError


class Authenticator(Protocol):
    """What the sockets need of accounts."""

    async def authenticate(self, access_token: str, *, kept: bool = True) -> Actor: ...

    async def authenticate_key(self, key: str) -> Actor: ...


async def authenticate(accounts: Authenticator, auth: Any, scope: str) -> Actor:
    """The user behind the ``auth`` of a CONNECT. ``DomainError`` for whoever may not come in."""
    if isinstance(auth, Mapping) and isinstance(token := auth.get("token"), str):
        return await accounts.authenticate(token, kept=False)
    if isinstance(auth, Mapping) and isinstance(key := auth.get("api_key"), str):
        actor = await accounts.authenticate_key(key)
        if not actor.has_scope(scope):
            raise DomainError(Code.FORBIDDEN, f"this key lacks the scope {scope}")
        return actor
    raise DomainError(Code.UNAUTHENTICATED, "connect with auth: {token: <access token>}")
