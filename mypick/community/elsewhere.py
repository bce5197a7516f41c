"""What is said around a creator outside of their community's rooms: its rules for texts hold there too.

There is no desk to which such a text could be held back for a moderator: it is let through or refused.
"""

from __future__ import annotations

from datetime import datetime

from mypick.community import policy
from mypick.community.models import Community
from mypick.community.policy import Standing
from mypick.community.standings import Standings
from mypick.community.terms.rules import TextRules
from mypick.errors import Code, DomainError

NO_COMMUNITY = 0  # the number of what a creator has who has none: the lists of terms that come with the server


class Elsewhere:
    def __init__(self, standings: Standings, rules: TextRules) -> None:
        self._standings = standings
        self._rules = rules

    async def require(
        self,
        creator_id: int,
        user_id: int,
        text: str,
        *,
        message_id: int,
        now: datetime,
        own: bool,
        trusted: bool,
    ) -> None:
        """Whether somebody may say this around the creator: ``BLOCKED`` for blocked terms, and unless they are
        ``trusted`` by those who hear it for held ones and for what many newcomers say at once; ``FORBIDDEN`` for links
        and crowded texts of newcomers; ``DUPLICATE_TEXT`` for what they have just said. With ``own`` it is a place of
        the community, where ``TIMED_OUT`` holds. Five queries; one where the creator has no community."""
        community = await Community.get_or_none(creator_id=creator_id)
        if community is None:
            community = Community(id=NO_COMMUNITY, creator_id=creator_id, name="", created_at=now)
            standing = Standing(user_id, policy.Role.NEWCOMER, member=False)
        else:
            seat = (community.id, user_id)
            standing = (await self._standings.of_people([seat]))[seat]
        if own:
            policy.require_voice(standing, now)
        if not trusted:
            self._rules.require_brief(standing, text)
        hold = await self._rules.judge_new(community, standing, text, message_id=message_id, now=now)
        if hold is None or trusted:
            return
        if hold.cause == "link":
            raise DomainError(Code.FORBIDDEN, "only members of the creator's community send links here")
        raise DomainError(Code.BLOCKED, "this cannot be said here: say it in other words")
