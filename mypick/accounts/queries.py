"""What other features ask about people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypedDict

from tortoise.expressions import Subquery

from mypick.accounts.models import ApiKey, Session, User

CHUNK = 500  # ids in one statement: SQLite before 3.32 takes 999


class Person(TypedDict):
    """A user as others see one: the ``actor`` of an event."""

    id: int
    name: str
    avatar_url: str | None


async def people(ids: Iterable[int]) -> dict[int, Person]:
    """Those of ``ids`` who exist, by id. One query for each CHUNK."""
    found: dict[int, Person] = {}
    for chunk in _chunks(ids):
        for row in await User.filter(id__in=chunk).only("id", "display_name", "avatar_url"):
            found[row.id] = Person(id=row.id, name=row.display_name, avatar_url=row.avatar_url)
    return found


async def site_roles_of(ids: Iterable[int]) -> dict[int, str]:
    """The roles in the whole site of those of ``ids`` who exist. One query for each CHUNK."""
    found: dict[int, str] = {}
    for chunk in _chunks(ids):
        found.update((row.id, row.role) for row in await User.filter(id__in=chunk).only("id", "role"))
    return found


async def site_role_of(user_id: int) -> str | None:
    """The user's role in the whole site, or None where there is no such user."""
    return (await site_roles_of([user_id])).get(user_id)


async def locale_of(user_id: int) -> str:
    """The language that the user reads, ``ko`` or ``en``; ``en`` where there is no such user."""
    row = await User.get_or_none(id=user_id).only("id", "locale")
    return row.locale if row else "en"


async def locales_of(ids: Iterable[int]) -> dict[int, str]:
    """The languages of those of ``ids`` who can read what they are told. One query for each CHUNK."""
    found: dict[int, str] = {}
    for chunk in _chunks(ids):
        readers = await User.filter(id__in=chunk, kind="person").only("id", "locale")
        found.update((row.id, row.locale) for row in readers)
    return found


def users_named(q: str) -> Subquery:
    """Ids of users in whose names ``q`` is, as a part of another query."""
    return Subquery(User.filter(display_name__icontains=q).values("id"))


async def namesakes(name: str, most: int) -> list[int]:
    """Ids of users who go by exactly this name, whatever its case; the first ``most``."""
    found = await User.filter(display_name__iexact=name).order_by("id").limit(most).values_list("id")
    return [row[0] for row in found]


async def users_exist(ids: Iterable[int]) -> frozenset[int]:
    """Those of ``ids`` who exist and can read what they are told: neither imported nor erased. One query for each
    CHUNK."""
    found: set[int] = set()
    for chunk in _chunks(ids):
        found.update(row.id for row in await User.filter(id__in=chunk, kind="person").only("id"))
    return frozenset(found)


def _chunks(ids: Iterable[int]) -> Iterator[list[int]]:
    chosen = sorted({user_id for user_id in ids if 0 < user_id < 2**63})
    for start in range(0, len(chosen), CHUNK):
        yield chosen[start : start + CHUNK]


async def revoked_among(key_ids: Sequence[int]) -> set[int]:
    """Those of the API keys that were revoked or are no more. One query."""
    if not key_ids:
        return set()
    good = await ApiKey.filter(id__in=list(key_ids), revoked_at=None).values_list("id")
    return set(key_ids) - {row[0] for row in good}


async def user_of(email: str) -> int | None:
    """The id of the user with this e-mail address."""
    row = await User.get_or_none(email=email.strip().lower())
    return row.id if row else None


async def ended_among(session_ids: Sequence[int]) -> set[int]:
    """Those of the sessions that have ended or are no more. One query."""
    if not session_ids:
        return set()
    live = await Session.filter(id__in=list(session_ids), ended_at=None).values_list("id")
    return set(session_ids) - {row[0] for row in live}
