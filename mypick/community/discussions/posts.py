"""Beginning discussions and commenting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tortoise.expressions import F

from mypick.accounts.actor import Actor
from mypick.community import policy
from mypick.community.desk.touches import Touches
from mypick.community.discussions.commands import CreateComment, CreateDiscussion
from mypick.community.discussions.counts import CountJobs
from mypick.community.discussions.drafts import (
    Draft,
    comment_row,
    commented,
    created,
    discussion_row,
    require_place,
)
from mypick.community.discussions.floor import Floor, seq_in
from mypick.community.discussions.indexing import indexed, together
from mypick.community.discussions.models import Comment, Discussion, HeldPost
from mypick.community.discussions.previewing import POST_PREVIEW, ask_for_post_preview
from mypick.community.discussions.streams import stream_of
from mypick.community.discussions.telling import IDS, Told, tell_of_comment, tell_of_discussion
from mypick.community.discussions.views import PostSent
from mypick.community.discussions.visits import follow_by_writing
from mypick.community.messages import Meter
from mypick.community.policy import Action, Standing
from mypick.community.streams import community_stream
from mypick.community.terms.rules import Hold, TextRules
from mypick.errors import Code, DomainError
from mypick.ids import Ids
from mypick.jobs.queue import Jobs
from mypick.notifications.announcements import TELL
from mypick.search.index import new_row
from mypick.streams import Event, NewEvent

MAX_WAITING = 5  # held posts of one person in one community


class Posts:
    """``meter`` bounds how often one person writes."""

    def __init__(
        self,
        floor: Floor,
        count_jobs: CountJobs,
        rules: TextRules,
        touches: Touches,
        *,
        ids: Ids,
        jobs: Jobs,
        meter: Meter,
    ) -> None:
        self._floor = floor
        self._touches = touches
        self._rules = rules
        self._count_jobs = count_jobs
        self._ids = ids
        self._jobs = jobs
        self._meter = meter

    async def create(self, actor: Actor, command: CreateDiscussion) -> PostSent:
        """Begin a discussion. Looked at as with messages: the cid, sanctions, the rate, terms, links of newcomers,
        floods."""
        community_id = command.community_id
        await self._floor.standings.read_in(community_id, actor)  # NOT_FOUND before a stream is made
        draft = await self._draft(actor, command.text, title=command.title)
        stream = community_stream(community_id)

        async def decide() -> Sequence[NewEvent]:
            community, standing, now = await self._floor.hold(community_id, actor)
            draft.community, draft.now = community, now
            await self._screen(draft, standing, now)
            return () if draft.held_for else [created(draft, stream)]

        def rows(events: Sequence[Event]) -> list[Any]:
            if draft.held_for:
                return [self._held(draft, draft.held_for, community_id, None)]
            draft.discussion = discussion_row(draft, community_id, events[0])
            return [draft.discussion]

        async def effect(_: Sequence[Event]) -> None:
            if draft.held_for:
                await self._touches.touch(community_id, "held", draft.id)
            else:
                await self.began(draft)

        done = await self._floor.change(
            actor, "create-discussion", command, community_id=community_id, discussion_id=None,
            decide=decide, rows=rows, effect=effect, reply=_reply(draft, stream),
        )  # fmt: skip
        return self._sent(draft, done.reply, done.duplicate)

    async def comment(self, actor: Actor, command: CreateComment) -> PostSent:
        """Say something in a discussion, or answer a comment of it."""
        discussion_id = command.discussion_id
        community_id = await self._floor.community_of(discussion_id)
        draft = await self._draft(actor, command.text, reply_to=command.reply_to)
        stream = stream_of(discussion_id)

        async def decide() -> Sequence[NewEvent]:
            held = await self._floor.hold_discussion(discussion_id, actor)
            draft.community, draft.discussion, draft.now = held.community, held.discussion, held.now
            policy.require_voice(held.standing, held.now)
            policy.require(held.standing, Action.DISCUSS)
            await require_place(draft, may_lock=policy.may(held.standing.role, Action.LOCK_DISCUSSION))
            await self._screen(draft, held.standing, held.now)
            return () if draft.held_for else commented(draft)

        def rows(events: Sequence[Event]) -> list[Any]:
            if draft.held_for:
                return [self._held(draft, draft.held_for, community_id, discussion_id)]
            return [comment_row(draft, event) for event in events[:1]]

        async def effect(events: Sequence[Event]) -> None:
            if draft.held_for:
                await self._touches.touch(community_id, "held", draft.id)
            else:
                await self.said(draft, events[0])

        done = await self._floor.change(
            actor, "create-comment", command, community_id=community_id, discussion_id=discussion_id,
            decide=decide, rows=rows, effect=effect, reply=_reply(draft, stream),
        )  # fmt: skip
        return self._sent(draft, done.reply, done.duplicate)

    async def _draft(self, actor: Actor, text: str, *, title: str = "", reply_to: int | None = None) -> Draft:
        post_id, *notice_ids = await self._ids.take(1 + IDS)
        return Draft(post_id, actor.user_id, text, Told(notice_ids), title, reply_to)

    async def _screen(self, draft: Draft, standing: Standing, now: datetime) -> None:
        policy.require_voice(standing, now)
        policy.require(standing, Action.DISCUSS)
        self._meter.spend(standing.user_id)
        if draft.community is None:
            raise AssertionError("its community was read before")
        # however long: what is read by scrolling pushes nobody off the screen
        draft.held_for = await self._rules.judge_new(
            draft.community, standing, together(draft.title, draft.text), message_id=draft.id, now=now
        )
        if draft.held_for:
            community_id = draft.community.id
            waiting = HeldPost.filter(author_id=standing.user_id, community_id=community_id, status="waiting")
            if await waiting.count() >= MAX_WAITING:
                raise DomainError(Code.FULL, f"{MAX_WAITING} posts of yours wait for a moderator: wait with them")
        draft.told.may_mention = policy.may(standing.role, Action.MENTION)

    @staticmethod
    def _held(draft: Draft, hold: Hold, community_id: int, discussion_id: int | None) -> HeldPost:
        return HeldPost(
            id=draft.id,
            community_id=community_id,
            discussion_id=discussion_id,
            reply_to=draft.reply_to,
            author_id=draft.author_id,
            title=draft.title,
            text=draft.text,
            cause=hold.cause,
            term=hold.term,
            created_at=draft.now,
        )

    async def began(self, draft: Draft) -> None:
        """What a new discussion brings with it."""
        discussion, community, now = draft.discussion, draft.community, draft.now
        if discussion is None or community is None or now is None:
            raise AssertionError("it was decided before")
        await new_row(indexed(discussion, community.id)).save(force_create=True)
        draft.linked = await ask_for_post_preview(self._jobs, draft.id, draft.text)
        await follow_by_writing(draft.author_id, discussion.id)
        await tell_of_discussion(draft.told, discussion, community, jobs=self._jobs, now=now)

    async def said(self, draft: Draft, event: Event) -> None:
        """What a new comment brings with it: counts, following, notices."""
        discussion, community, now, telling = draft.discussion, draft.community, draft.now, draft.telling
        if discussion is None or community is None or now is None or telling is None:
            raise AssertionError("it was decided before")
        comment = comment_row(draft, event)
        await new_row(indexed(comment, community.id)).save(force_create=True)
        await Discussion.filter(id=discussion.id).update(
            comments=F("comments") + 1, last_at=event.at, **telling.columns
        )
        await self._count_jobs.ask(discussion, telling)
        if comment.parent_id is not None:
            await Comment.filter(id=comment.parent_id).update(replies=F("replies") + 1)
        draft.linked = await ask_for_post_preview(self._jobs, draft.id, draft.text)
        await follow_by_writing(draft.author_id, discussion.id)
        answered_id = draft.answered.author_id if draft.answered else discussion.author_id
        await tell_of_comment(draft.told, comment, answered_id, discussion, community, jobs=self._jobs, now=now)

    def wake(self, draft: Draft) -> None:
        """After the commit."""
        if draft.told.anybody:
            self._jobs.wake(TELL)
        if draft.linked:
            self._jobs.wake(POST_PREVIEW)

    def _sent(self, draft: Draft, answer: Mapping[str, Any], duplicate: bool) -> PostSent:
        self.wake(draft)
        if draft.held_for:
            self._touches.wake()
        return PostSent(**answer, duplicate=duplicate)


def _reply(draft: Draft, stream: str) -> Any:
    def reply(events: Sequence[Event]) -> Mapping[str, Any]:
        if draft.held_for:
            return {"id": draft.id, "seq": None, "status": "held"}
        return {"id": draft.id, "seq": seq_in(events, stream), "status": "sent"}

    return reply
