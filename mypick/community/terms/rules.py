"""What the text of a message is judged by: terms, links of newcomers."""

from __future__ import annotations

from dataclasses import dataclass

from mypick.community import policy
from mypick.community.policy import Action, Standing
from mypick.community.standings import Place
from mypick.community.terms.matchers import Matchers
from mypick.community.terms.patterns import Effect
from mypick.community.texts import has_link
from mypick.errors import Code, DomainError


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a text waits for a moderator."""

    cause: str  # term, link
    term: str | None = None


class TextRules:
    def __init__(self, matchers: Matchers) -> None:
        self._matchers = matchers

    async def judge(self, place: Place, standing: Standing, text: str) -> Hold | None:
        """Nothing for a text that may be sent. ``BLOCKED`` names no term: it would teach how to write it."""
        if not policy.may(standing.role, Action.SKIP_TERMS):
            found = (await self._matchers.of(place.community)).find(text)
            if found and found.term.effect is Effect.BLOCK:
                raise DomainError(Code.BLOCKED, "this cannot be said in this community: say it in other words")
            if found:
                return Hold("term", found.term.text)
        if has_link(text) and not policy.may(standing.role, Action.LINK):
            return Hold("link")
        return None
