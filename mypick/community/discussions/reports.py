"""Reports of discussions and comments. They stand beside those of messages, in the same list of the same moderators."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.community import policy
from mypick.community.desk.commands import DecideReports
from mypick.community.desk.touches import Touches
from mypick.community.desk.verdicts import open_weight, require_verdict, settle, weight_for
from mypick.community.desk.views import Dismissed
from mypick.community.desk.weights import HIDE_AT
from mypick.community.discussions.commands import NewReport, ReportComment, ReportDiscussion
from mypick.community.discussions.edits import PostEdits
from mypick.community.discussions.floor import Effect, Floor, Held, seq_in, standing_comment, standing_discussion
from mypick.community.discussions.indexing import hide_post, indexed
from mypick.community.discussions.models import Comment, Discussion
from mypick.community.discussions.streams import COMMENT_EDITED, EDITED, stream_of
from mypick.community.mentions import forget_text, quote_anew
from mypick.community.models import ModerationEntry, Report
from mypick.community.policy import Action, Role
from mypick.community.streams import community_stream
from mypick.community.views import Done
from mypick.errors import Code, DomainError
from mypick.ids import Ids
from mypick.search.index import put
from mypick.streams import Event, NewEvent

MAX_OPEN = 50  # reports of one person in one community that nobody has dealt with, those of messages among them


class PostReports:
    def __init__(self, floor: Floor, edits: PostEdits, touches: Touches, *, ids: Ids) -> None:
        self._floor = floor
        self._edits = edits
        self._touches = touches
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
                weight=await weight_for(community_id, actor.user_id, held.standing.role),
                created_at=held.now,
            )
            await self._touches.touch(community_id, "report", post.id)
            if not await self._hides(post, community_id):
                return ()
            await type(post).filter(id=post.id).update(hidden_at=held.now)
            await forget_text([post.id])
            await hide_post(post, community_id)
            return _shown_anew(held, post, None)

        def reply(events: Sequence[Event]) -> Mapping[str, Any]:
            return {"seq": seq_in(events, stream_of(discussion_id))}

        done = await self._floor.change(
            actor, name, command, community_id=community_id, discussion_id=discussion_id,
            decide=decide, effect=_changed(discussion_id, comment_id), reply=reply,
        )  # fmt: skip
        self._touches.wake()
        return Done(**done.reply)

    async def _hides(self, post: Discussion | Comment, community_id: int) -> bool:
        """As with messages: never what those say who run the community."""
        if post.hidden_at or await open_weight(post.id) < HIDE_AT * 100:
            return False
        site_role = await people.site_role_of(post.author_id) or "fan"
        author = await self._floor.standings.target(community_id, post.author_id, site_role)
        return author.role < Role.MODERATOR

    async def decide(self, actor: Actor, command: DecideReports) -> Done:
        """End the reports of a post, as with messages: it is deleted, or stands and is in view again. The first
        decision holds; where nothing waits any more it is ``CONFLICT``."""
        post_id = command.message_id
        comment = await Comment.get_or_none(id=post_id).values_list("discussion_id")
        if not command.agree:
            where, comment_id = (post_id, None) if comment is None else (int(comment[0]), post_id)
            return (await self._end(actor, where, comment_id, command))[0]
        take_down = self._edits.take_down_discussion if comment is None else self._edits.take_down_comment
        return await take_down(actor, "decide-reports", command, post_id, _require_reported)

    async def dismiss_discussion(self, actor: Actor, discussion_id: int) -> Dismissed:
        """Let it stand and be in view, and close its reports. Twice is no error."""
        return Dismissed(dismissed=(await self._end(actor, discussion_id, None, None))[1])

    async def dismiss_comment(self, actor: Actor, comment_id: int) -> Dismissed:
        discussion_id = await self._floor.discussion_of(comment_id)
        return Dismissed(dismissed=(await self._end(actor, discussion_id, comment_id, None))[1])

    async def _end(
        self, actor: Actor, discussion_id: int, comment_id: int | None, command: DecideReports | None
    ) -> tuple[Done, int]:
        """Let it stand. How many reports that closed."""
        community_id, entry_id = await self._floor.community_of(discussion_id), await self._ids.one()
        closed: list[int] = []

        async def decide() -> Sequence[NewEvent]:
            held = await self._floor.hold_discussion(discussion_id, actor)
            policy.require_voice(held.standing, held.now)
            post = held.discussion if comment_id is None else await Comment.get(id=comment_id)
            require_verdict(held.standing, post.author_id)
            if command is not None:
                await _require_open(post.id)
            closed[:] = [(await settle(community_id, [post.id], agreed=False)).get(post.id, 0)]
            if closed[0]:
                await self._touches.touch(community_id, "report", post.id)
                details = {"reports": closed[0], "discussion_id": discussion_id}
                await ModerationEntry.create(
                    id=entry_id,
                    community_id=community_id,
                    actor_id=actor.user_id,
                    action="dismiss-reports",
                    user_id=post.author_id,
                    reason=command.reason if command else None,
                    details=details if comment_id is None else {**details, "comment_id": comment_id},
                    at=held.now,
                )
            if post.hidden_at is None or post.deleted_at is not None:
                return ()
            await type(post).filter(id=post.id).update(hidden_at=None)
            await quote_anew(post.id, post.text, held.community)
            await put([indexed(post, community_id)])
            return _shown_anew(held, post, actor.user_id)

        def reply(events: Sequence[Event]) -> Mapping[str, Any]:
            return {"seq": seq_in(events, stream_of(discussion_id))}

        done = await self._floor.change(
            actor, "decide-reports", command, community_id=community_id, discussion_id=discussion_id,
            decide=decide, effect=_changed(discussion_id, comment_id), reply=reply,
        )  # fmt: skip
        self._touches.wake()
        return Done(**done.reply), closed[0] if closed else 0


async def _require_reported(held: Held, post: Discussion | Comment) -> None:
    """Whether the actor may find it rightly reported, and was the first."""
    require_verdict(held.standing, post.author_id)
    await _require_open(post.id)


async def _require_open(post_id: int) -> None:
    if not await Report.filter(message_id=post_id, outcome=None).exists():
        raise DomainError(Code.CONFLICT, "no report of it waits: somebody was quicker")


def _shown_anew(held: Held, post: Discussion | Comment, actor_id: int | None) -> list[NewEvent]:
    """It is shown as it is now, with its words or without them."""
    if isinstance(post, Comment):
        return [NewEvent(stream_of(post.discussion_id), COMMENT_EDITED, {}, ref=post.id, actor_id=actor_id)]
    streams = (stream_of(post.id), community_stream(held.community.id))
    return [NewEvent(stream, EDITED, {}, ref=post.id, actor_id=actor_id) for stream in streams]


def _changed(discussion_id: int, comment_id: int | None) -> Effect:
    async def effect(events: Sequence[Event]) -> None:
        if not events:
            return
        seq = seq_in(events, stream_of(discussion_id))
        if comment_id is None:
            await Discussion.filter(id=discussion_id).update(changed_seq=seq)
        else:
            await Comment.filter(id=comment_id).update(changed_seq=seq)

    return effect


async def _post(held: Held, comment_id: int | None) -> Discussion | Comment:
    if comment_id is None:
        return standing_discussion(held.discussion)
    return await standing_comment(comment_id)


async def is_post(number: int) -> bool:
    """Whether there is a discussion or comment with this id. At most two queries."""
    return await Comment.filter(id=number).exists() or await Discussion.filter(id=number).exists()


@dataclass(frozen=True, slots=True)
class Reported:
    """A message, discussion or comment as moderators see it, hidden or not."""

    author_id: int
    title: str  # of a discussion
    text: str
    discussion_id: int  # 0 for a message
    hidden: bool


async def reported(post_ids: Collection[int]) -> dict[int, Reported]:
    """The posts among these. Two queries."""
    ids = list(post_ids)
    if not ids:
        return {}
    found = {}
    for talk in await Discussion.filter(id__in=ids):
        found[talk.id] = Reported(talk.author_id, talk.title, talk.text, talk.id, talk.hidden_at is not None)
    for row in await Comment.filter(id__in=ids):
        found[row.id] = Reported(row.author_id, "", row.text, row.discussion_id, row.hidden_at is not None)
    return found
