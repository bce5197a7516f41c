"""Types of path and query parameters."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mypick.pagination import MAX_CURSOR, MAX_LIMIT
from mypick.wire import Id

PathId = Annotated[Id, Field(description="an id; one that cannot be an id is NOT_FOUND")]
Cursor = Annotated[
    str | None, Field(max_length=MAX_CURSOR, description="next_cursor of the page before; none begins the list")
]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT, description="items on one page")]
