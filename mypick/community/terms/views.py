"""What is shown of terms."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mypick.community.views import PersonBrief
from mypick.wire import Instant, View

EffectName = Literal["block", "hold", "allow"]


class TermView(View):
    id: int
    text: str
    effect: EffectName
    actor: PersonBrief | None = Field(description="who set it")
    created_at: Instant


class TermSet(View):
    id: int


class TermRemoved(View):
    removed: bool


class TermLists(View):
    languages: list[Literal["ko", "en"]] = Field(description="whose lists are on")


class TextTried(View):
    effect: Literal["block", "hold"] | None = Field(description="null where the text would be sent")
    term: str | None = Field(description="the term that it holds")
    listed: bool = Field(description="the term is of a list that comes with the server")
