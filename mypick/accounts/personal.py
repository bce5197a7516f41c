"""What accounts hold of a person. Closing the account removes it, before all else."""

from __future__ import annotations

from collections.abc import AsyncIterator

from mypick.accounts.models import ApiKey, Session, User
from mypick.personal.contribution import Contribution, Rows, Section, by_id

_PROFILE = ("id", "email", "display_name", "avatar_url", "locale", "timezone", "role", "settings", "created_at")
_SESSION = ("id", "user_agent", "address", "created_at", "last_used_at", "expires_at", "ended_at", "end_reason")
_KEY = ("id", "name", "prefix", "scopes", "created_at", "last_used_at", "revoked_at")


def contribution() -> Contribution:
    def profile(user_id: int) -> AsyncIterator[Rows]:
        return by_id(User.filter(id=user_id), _PROFILE)

    def sessions(user_id: int) -> AsyncIterator[Rows]:
        return by_id(Session.filter(user_id=user_id), _SESSION)

    def keys(user_id: int) -> AsyncIterator[Rows]:
        return by_id(ApiKey.filter(user_id=user_id), _KEY)

    return Contribution(
        "accounts",
        {"session": frozenset({"user_id"}), "api_key": frozenset({"user_id"})},
        sections=[
            Section("profile", "name, address and settings", "이름, 메일 주소, 설정", profile),
            Section("sessions", "devices that were logged in", "로그인한 기기", sessions),
            Section("api-keys", "keys for programs, without the keys themselves", "프로그램용 키 (키 값은 제외)", keys),
        ],
    )

