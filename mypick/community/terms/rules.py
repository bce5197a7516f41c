"""What the text of a message, a discussion or a comment is judged by: terms, floods, links of newcomers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mypick.community import policy
from mypick.community.models import Community
from mypick.community.policy import Action, Standing
from mypick.community.terms.floods import Floods, too_much
from mypick.community.terms.matchers import Matchers
from mypick.community.terms.patterns import Effect
from mypick.community.texts import has_link
from mypick.errors import Code, DomainError


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a text waits for a moderator."""

    cause: str  # term, link, flood
    term: str | None = None


class TextRules:
    def __init__(self, matchers: Matchers) -> None:
        self._matchers, self._floods = matchers, Floods()

    async def judge_new(
        self, community: Community, standing: Standing, text: str, *, message_id: int, now: datetime
    ) -> Hold | None:
        """The same for what is new, a message or a post: what was said before counts too."""
        hold = await self.judge(community, standing, text)
        if policy.may(standing.role, Action.SKIP_TERMS):
            return hold
        community_id, user_id = community.id, standing.user_id
        if self._floods.repeats(community_id, user_id, message_id, text, now):
            raise DomainError(Code.DUPLICATE_TEXT, "you have just said this: say something else")
        if not policy.may(standing.role, Action.FLOOD) and self._floods.raided(community_id, user_id, text, now):
            return hold or Hold("flood")
        return hold

    @staticmethod
    def require_brief(standing: Standing, text: str) -> None:
        """``FORBIDDEN`` for newcomers whose message would push others off the screen."""
        if not policy.may(standing.role, Action.FLOOD) and (change := too_much(text)):
            raise DomainError(Code.FORBIDDEN, change)

    async def judge(self, community: Community, standing: Standing, text: str) -> Hold | None:
        """Nothing for a text that may be sent. ``BLOCKED`` names no term: it would teach how to write it."""
        if not policy.may(standing.role, Action.SKIP_TERMS):
            found = (await self._matchers.of(community)).find(text)
            if found and found.term.effect is Effect.BLOCK:
                raise DomainError(Code.BLOCKED, "this cannot be said in this community: say it in other words")
            if found:
                return Hold("term", found.term.text)
        if has_link(text) and not policy.may(standing.role, Action.LINK):
            return Hold("link")
        return None
