"""Who asks. Both doors make one of these from a token or a key, and every service takes it first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

ROLES = ("fan", "moderator", "admin")  # each may do what those before it may


@dataclass(frozen=True, slots=True)
class Actor:
    """An authenticated user.

    ``session_id`` is None for an API key; ``scopes`` is None for a session, which may do all that its user
    may; ``expires_at`` is when the token ends, None for a key.
    """

    user_id: int
    role: str
    session_id: int | None
    scopes: frozenset[str] | None
    expires_at: datetime | None
    key_id: int | None = None  # of the API key, where there is no session

    def has_role(self, role: str) -> bool:
        return ROLES.index(self.role) >= ROLES.index(role)

    def has_scope(self, scope: str) -> bool:
        return self.scopes is None or scope in self.scopes
