"""Types that commands and views share, so that a time or an id looks the same through both doors."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from mypick.clock import to_wire

MAX_ID = 2**63 - 1  # a signed 64-bit integer, the widest id of every dialect

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """``text``, unless it holds what no database and no JSON document takes: NUL or half a surrogate pair."""
    # no surrogate is ASCII: nearly all names and half of the texts need no search
    if "\0" in text if text.isascii() else _UNSTORABLE.search(text):
        raise ValueError("holds a character that cannot be stored (NUL or half of a surrogate pair)")
    return text


Instant = Annotated[
    datetime,
    PlainSerializer(to_wire, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-01-31T09:00:00.000Z"]}),
]
"""A time as clients see it."""

Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Text = Annotated[str, AfterValidator(storable)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(storable)]
Cid = Annotated[
    str,
    Field(min_length=1, max_length=64, description="made by the client, unique for its user: sent again, the command "
          "gets the same reply and changes nothing"),
    AfterValidator(storable),
]


class Command(BaseModel):
    """What may be asked. Unknown fields are refused, and a number in quotes is not a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class View(BaseModel):
    """What is shown. Every field is always there; one without a value is null."""

    model_config = ConfigDict(frozen=True)
