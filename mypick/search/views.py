"""What is shown of search."""

from __future__ import annotations

from pydantic import Field

from mypick.wire import View


class ExcerptPart(View):
    text: str = Field(description="plain text: never put it into a page as HTML")
    marked: bool = Field(description="it is what was looked for")
