"""What may be asked of search."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from mypick.pagination import DEFAULT_LIMIT, MAX_CURSOR
from mypick.search.wording import MAX_QUERY, moment_in
from mypick.wire import Command, Id, Text

MAX_HITS = 50  # on one page


def _moment(text: str) -> str:
    if moment_in(text) is None:
        raise ValueError("write it as 2026-01-31, or as a time with its zone")
    return text


Query = Annotated[
    Text,
    Field(
        max_length=MAX_QUERY,
        description='words that must all be there, "phrases", -excluded; from: in: after: before: has:link',
        examples=['콘서트 "see you there" -spoiler'],
    ),
]
When = Annotated[Text, Field(max_length=40, examples=["2026-01-31"]), AfterValidator(_moment)]
KindName = Literal["message", "discussion", "comment"]


class SearchTexts(Command):
    """Look for texts that the asker may read now. What is given by a parameter and in ``q`` must both hold."""

    q: Query = ""
    community_id: Id | None = None
    room_id: Id | None = None
    author_id: Id | None = None
    kind: KindName | None = None
    after: When | None = Field(None, description="not older than this day or time")
    before: When | None = Field(None, description="older than this day or time")
    has_link: bool = False
    cursor: Text | None = Field(None, max_length=MAX_CURSOR)
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_HITS)
