"""Posts that are held: moderators decide, authors hear of it, and nothing waits for ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.community import policy
from mypick.community.desk.expiry import AT_ONCE, KEEP
from mypick.community.desk.touches import Touches
from mypick.community.discussions.commands import DecideHeldPost
from mypick.community.discussions.drafts import (
    Draft,
    comment_row,
    commented,
    created,
    discussion_row,
    require_place,
)
from mypick.community.discussions.floor import Floor, seq_in
from mypick.community.discussions.models import Discussion, HeldPost
from mypick.community.discussions.posts import Posts
from mypick.community.discussions.streams import stream_of
from mypick.community.discussions.telling import IDS, Told, page_of_post
from mypick.community.discussions.views import HeldPostView
from mypick.community.entry.notices import Notices, Word
from mypick.community.logbook import note
from mypick.community.models import Community
from mypick.community.policy import Action
from mypick.community.reading import brief_of
from mypick.community.streams import community_stream
from mypick.community.views import Done
from mypick.errors import Code, DomainError
from mypick.ids import Ids
from mypick.pagination import Page, decode_cursor, encode_cursor, page_of
from mypick.streams import Append, Event, NewEvent, Streams

_LIST = "held-posts"


class HeldPosts:
    def __init__(
        self, floor: Floor, streams: Streams, posts: Posts, touches: Touches, notices: Notices, *, ids: Ids
    ) -> None:
        self._floor = floor
        self._streams = streams
        self._posts = posts
        self._touches = touches
        self._notices = notices
        self._ids = ids

    async def decide(self, actor: Actor, command: DecideHeldPost) -> Done:
        """Let a held post through, as if it were written now, or throw its text away. Its author hears of it either
        way: unlike in a room, they may be elsewhere."""
        held_post = await HeldPost.get_or_none(id=command.post_id)
        if held_post is None:
            raise policy.absent()
        community_id, discussion_id = held_post.community_id, held_post.discussion_id
        site_role = await people.site_role_of(held_post.author_id) or "fan"
        entry_id, word_id, *notice_ids = await self._ids.take(2 + IDS)
        stream = community_stream(community_id) if discussion_id is None else stream_of(discussion_id)
        draft = Draft(held_post.id, held_post.author_id, "", Told(notice_ids))

        async def decide() -> Sequence[NewEvent]:
            community, standing, now = await self._floor.hold(community_id, actor)
            policy.require_voice(standing, now)
            target = await self._floor.standings.target(community_id, held_post.author_id, site_role)
            policy.require(standing, Action.DECIDE_HELD, target)
            waiting = await HeldPost.get(id=held_post.id)
            if waiting.status != "waiting":
                raise DomainError(Code.CONFLICT, f"it was {waiting.status} already")
            if command.approve and target.ban:
                raise DomainError(Code.BANNED, "its author was banned meanwhile: reject it")
            draft.community, draft.now = community, now
            draft.title, draft.text, draft.reply_to = waiting.title, waiting.text, waiting.reply_to
            draft.told.may_mention = policy.may(target.role, Action.MENTION)
            if not command.approve:
                return ()
            if discussion_id is None:
                return [created(draft, stream)]
            draft.discussion = await Discussion.get(id=discussion_id)
            await require_place(draft, may_lock=True)
            return commented(draft)

        def rows(events: Sequence[Event]) -> list[Any]:
            if not command.approve:
                return []
            if discussion_id is not None:
                return [comment_row(draft, events[0])]
            draft.discussion = discussion_row(draft, community_id, events[0])
            return [draft.discussion]

        async def effect(events: Sequence[Event]) -> None:
            community, now = draft.community, draft.now
            if community is None or now is None:
                raise AssertionError("it was decided before")
            status = "approved" if command.approve else "rejected"
            await self._close(held_post, status, community, word_id, now, actor.user_id)
            action = "approve-held" if command.approve else "reject-held"
            about = {"user_id": held_post.author_id, "details": {"post_id": held_post.id}}
            await note(entry_id, community_id, actor, action, now, **about)
            if command.approve and discussion_id is None:
                await self._posts.began(draft)
            elif command.approve:
                await self._posts.said(draft, events[0])

        def reply(events: Sequence[Event]) -> Mapping[str, Any]:
            return {"seq": seq_in(events, stream)}

        done = await self._floor.change(
            actor, "decide-held-post", command, community_id=community_id, discussion_id=discussion_id,
            decide=decide, rows=rows, effect=effect, reply=reply,
        )  # fmt: skip
        self._posts.wake(draft)
        self._wake()
        return Done(**done.reply)

    async def list(self, actor: Actor, community_id: int, cursor: str | None, limit: int) -> Page[HeldPostView]:
        """What waits for a decision, the oldest first. For moderators: nobody else learns of it."""
        community, standing = await self._floor.standings.read_in(community_id, actor)
        policy.require_office(standing, community.visibility, Action.READ_HELD, self._floor.now())
        query = HeldPost.filter(community_id=community_id, status="waiting")
        if cursor is not None:
            (after,) = decode_cursor(cursor, _LIST, int)
            query = query.filter(id__gt=after)
        rows = await query.order_by("id").limit(limit + 1)
        names = await people.people(row.author_id for row in rows[:limit])

        def show(row: HeldPost) -> HeldPostView:
            return HeldPostView(
                id=row.id,
                kind="discussion" if row.discussion_id is None else "comment",
                discussion_id=row.discussion_id,
                author=brief_of(names, row.author_id),
                title=row.title,
                text=row.text,
                cause=row.cause,
                term=row.term,
                created_at=row.created_at,
            )

        return page_of(rows, limit, show, lambda row: encode_cursor(_LIST, row.id))

    async def give_up_old(self) -> int:
        """Throw away what has waited for ``KEEP``, and tell its authors. How many."""
        before = self._floor.now() - KEEP
        old = await HeldPost.filter(status="waiting", created_at__lt=before).order_by("id").limit(AT_ONCE)
        return sum([await self._give_up(held) for held in old])

    async def _give_up(self, held: HeldPost) -> bool:
        word_id, now = await self._ids.one(), self._floor.now()
        given_up: list[int] = []

        async def decide() -> Sequence[NewEvent]:
            given_up[:] = []
            if await HeldPost.filter(id=held.id, status="waiting").exists():  # a moderator may have been quicker
                community = await Community.get(id=held.community_id)
                await self._close(held, "expired", community, word_id, now, None)
                given_up.append(held.id)
            return ()

        await self._streams.append(Append(streams=[community_stream(held.community_id)], decide=decide))
        self._wake()
        return bool(given_up)

    async def _close(
        self, held: HeldPost, status: str, community: Community, word_id: int, now: datetime, decided_by: int | None
    ) -> None:
        """It waits no more and its text is not kept here; the desk and its author are told."""
        changed = {"title": "", "text": "", "status": status, "decided_at": now, "decided_by": decided_by}
        await HeldPost.filter(id=held.id).update(**changed)
        await self._touches.touch(held.community_id, "held", held.id)
        word = _WORDS[held.discussion_id is None, status]
        await self._notices.tell(word_id, held.author_id, word, community, now, url=_page(held, status))

    def _wake(self) -> None:
        self._touches.wake()
        self._notices.wake()


async def waits(post_id: int) -> bool:
    return await HeldPost.filter(id=post_id, status="waiting").exists()


async def is_here(community_id: int, post_id: int) -> bool:
    """Whether it is, or was, held in this community."""
    return await HeldPost.filter(id=post_id, community_id=community_id).exists()


async def count(community_id: int) -> int:
    """How much waits."""
    return await HeldPost.filter(community_id=community_id, status="waiting").count()


async def waiting(community_id: int, after: int, limit: int) -> list[dict[str, Any]]:
    """Up to ``limit`` that wait, with ids beyond ``after``, the oldest first."""
    rows = HeldPost.filter(community_id=community_id, status="waiting", id__gt=after).order_by("id").limit(limit)
    return await rows.values("id", "discussion_id", "author_id", "title", "text", "cause", "term", "created_at")


_WORDS: Mapping[tuple[bool, str], Word] = {
    (True, "approved"): "discussion-shown",
    (True, "rejected"): "discussion-not-shown",
    (True, "expired"): "discussion-not-looked-at",
    (False, "approved"): "comment-shown",
    (False, "rejected"): "comment-not-shown",
    (False, "expired"): "comment-not-looked-at",
}
"""By whether it would have begun a discussion, and what became of it."""


def _page(held: HeldPost, status: str) -> str | None:
    """Where its author finds it, or may write it anew."""
    if status == "approved" and held.discussion_id is None:
        return page_of_post(held.community_id, held.id)
    if held.discussion_id is None:
        return None
    return page_of_post(held.community_id, held.discussion_id, held.id if status == "approved" else None)
