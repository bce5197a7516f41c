"""People who were brought along from elsewhere: a name and a picture that nobody can log in as."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from mypick.accounts.models import User

CHUNK = 500


async def keep_imported(people: Mapping[str, tuple[str, str | None]], now: datetime) -> dict[str, int]:
    """Ids of the people by their keys, which name source and person there; who is new is made with the name and avatar.
    Two queries for each CHUNK, three where somebody is new."""
    # in place of an address stands what no address looks like, so that the unique rule of addresses holds for these too
    marks = {_mark(key): key for key in people}
    found: dict[str, int] = {}
    wanted = sorted(marks)
    for start in range(0, len(wanted), CHUNK):
        chunk = wanted[start : start + CHUNK]
        known = await _known(chunk)
        if new := [mark for mark in chunk if mark not in known]:
            await User.bulk_create(
                [
                    User(
                        email=mark,
                        password_hash="",  # no password gives it
                        display_name=people[marks[mark]][0],
                        avatar_url=people[marks[mark]][1],
                        settings={},
                        kind="imported",
                        created_at=now,
                    )
                    for mark in new
                ],
                ignore_conflicts=True,
            )
            known |= await _known(new)
        found.update((marks[mark], user_id) for mark, user_id in known.items())
    return found


def _mark(key: str) -> str:
    return f"imported:{hashlib.sha256(key.encode()).hexdigest()}"


async def _known(marks: list[str]) -> dict[str, int]:
    return dict(await User.filter(email__in=marks).values_list("email", "id"))
