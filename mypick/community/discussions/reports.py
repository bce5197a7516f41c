"""Reports of discussions and comments. They stand beside those of messages, in the same list of the same moderators."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from mypick.accounts.actor import Actor
from mypick.community import policy
from mypick.community.discussions.commands import NewReport, ReportComment, ReportDiscussion
from mypick.community.discussions.floor import Floor, Held, standing_comment, standing_discussion
from mypick.community.discussions.models import Comment, Discussion
from mypick.community.models import ModerationEntry, Report
from mypick.community.policy import Action
from mypick.community.views import Dismissed, Done
from mypick.errors import Code, DomainError
from mypick.ids import Ids
from mypick.streams import Event, NewEvent

MAX_OPEN = 50  # reports of one person in one community that nobody has dealt with, those of messages among them


class PostReports:
    def __init__(self, floor: Floor, *, ids: Ids) -> None:
        self._floor = floor
        self._ids = ids

    async def report_discussion(self, actor: Actor, command: ReportDiscussion) -> Done:
        """Tell the moderators. A second report of the same person changes nothing."""
        return await self._report(actor, "report-discussion", command, command.discussion_id, None)

    async def report_comment(self, actor: Actor, command: ReportComment) -> Done:
        discussion_id = await self._floor.discussion_of(command.comment_id)
        return await self._report(actor, "report-comment", command, discussion_id, command.comment_id)

    async def _report(
        self, actor: Actor, name: str, command: NewReport, discussion_id: int, comment_id: int | None
    ) -> Done:
        community_id, report_id = await self._floor.community_of(discussion_id), await self._ids.one()

        async def decide() -> Sequence[NewEvent]:
            held = await self._floor.hold_discussion(discussion_id, actor)
            policy.require(held.standing, Action.REPORT)
            post = await _post(held, comment_id)
            if post.author_id == actor.user_id:
                raise DomainError(Code.FORBIDDEN, "this is your own: delete it")
            if await Report.filter(message_id=post.id, reporter_id=actor.user_id).exists():
                return ()
            mine = Report.filter(community_id=community_id, reporter_id=actor.user_id, outcome=None)
            if await mine.count() >= MAX_OPEN:
                raise DomainError(Code.FULL, f"{MAX_OPEN} reports of yours are open: let the moderators catch up")
            await Report.create(
                id=report_id,
                community_id=community_id,
                message_id=post.id,
                kind="discussion" if comment_id is None else "comment",
                reporter_id=actor.user_id,
                reason=command.reason,
                created_at=held.now,
            )
            return ()

        def reply(_: Sequence[Event]) -> Mapping[str, Any]:
            return {"seq": None}

        done = await self._floor.change(
            actor, name, command, community_id=community_id, discussion_id=discussion_id, decide=decide, reply=reply
        )
        return Done(**done.reply)

    async def dismiss_discussion(self, actor: Actor, discussion_id: int) -> Dismissed:
        """Let it stand, and close its reports."""
        return await self._dismiss(actor, discussion_id, None)

    async def dismiss_comment(self, actor: Actor, comment_id: int) -> Dismissed:
        return await self._dismiss(actor, await self._floor.discussion_of(comment_id), comment_id)

    async def _dismiss(self, actor: Actor, discussion_id: int, comment_id: int | None) -> Dismissed:
        community_id, entry_id = await self._floor.community_of(discussion_id), await self._ids.one()
        closed: list[int] = []

        async def decide() -> Sequence[NewEvent]:
            held = await self._floor.hold_discussion(discussion_id, actor)
            policy.require_voice(held.standing, held.now)
            policy.require(held.standing, Action.DECIDE_REPORTS)
            post = held.discussion if comment_id is None else await Comment.get(id=comment_id)
            closed[:] = [await Report.filter(message_id=post.id, outcome=None).update(outcome="dismissed")]
            if closed[0]:
                details = {"reports": closed[0], "discussion_id": discussion_id}
                await ModerationEntry.create(
                    id=entry_id,
                    community_id=community_id,
                    actor_id=actor.user_id,
                    action="dismiss-reports",
                    user_id=post.author_id,
                    details=details if comment_id is None else {**details, "comment_id": comment_id},
                    at=held.now,
                )
            return ()

        def reply(_: Sequence[Event]) -> Mapping[str, Any]:
            return {}

        await self._floor.change(
            actor, "dismiss-reports", None, community_id=community_id, discussion_id=discussion_id,
            decide=decide, reply=reply,
        )  # fmt: skip
        return Dismissed(dismissed=closed[0])


async def _post(held: Held, comment_id: int | None) -> Discussion | Comment:
    if comment_id is None:
        return standing_discussion(held.discussion)
    return await standing_comment(comment_id)


async def reported(post_ids: Collection[int]) -> dict[int, tuple[int, str, int]]:
    """Author, text and discussion of the posts among these. Two queries."""
    ids = list(post_ids)
    if not ids:
        return {}
    talks = await Discussion.filter(id__in=ids).values_list("id", "author_id", "title", "text")
    comments = await Comment.filter(id__in=ids).values_list("id", "author_id", "text", "discussion_id")
    return {
        **{post_id: (author, f"{title}\n{text}".strip(), post_id) for post_id, author, title, text in talks},
        **{post_id: (author, text, discussion) for post_id, author, text, discussion in comments},
    }
