"""Who may. Each function raises ``DomainError(FORBIDDEN)`` or returns."""

from __future__ import annotations

from mypick.accounts.actor import Actor
from mypick.accounts.scopes import Scope
from mypick.errors import Code, DomainError


def require_session(actor: Actor) -> int:
    """The session's id. What guards an account (password, sessions, keys) no key may touch: a leaked key
    could otherwise make itself stronger."""
    if actor.session_id is None:
        raise DomainError(Code.FORBIDDEN, "an API key may not do this; log in with the password")
    return actor.session_id


def require_scope(actor: Actor, scope: Scope) -> None:
    if not actor.has_scope(scope):
        raise DomainError(
            Code.FORBIDDEN,
            f"this API key lacks the scope {scope}; make a key that has it",
            details={"scope": scope},
        )


def require_role(actor: Actor, role: str) -> None:
    if not actor.has_role(role):
        raise DomainError(Code.FORBIDDEN, f"only a user with the role {role} may do this")
