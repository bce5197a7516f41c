"""What moderators do with discussions: locking, pinning, and what is held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.community import policy
from mypick.community.discussions.commands import DecideHeldPost, LockDiscussion, PinDiscussion
from mypick.community.discussions.floor import Floor, Held, seq_in, standing_discussion
from mypick.community.discussions.models import Discussion, HeldPost, Place
from mypick.community.discussions.posts import (
    Draft,
    Posts,
    comment_row,
    commented,
    created,
    discussion_row,
    require_place,
)
from mypick.community.discussions.streams import STATE, stream_of
from mypick.community.discussions.telling import IDS, Told
from mypick.community.discussions.views import HeldPostView
from mypick.community.models import ModerationEntry
from mypick.community.policy import Action
from mypick.community.reading import brief_of
from mypick.community.streams import community_stream
from mypick.community.views import Done
from mypick.errors import Code, DomainError, not_found
from mypick.ids import Ids
from mypick.pagination import Page, decode_cursor, encode_cursor, page_of
from mypick.streams import Event, NewEvent

MAX_PINNED = 5  # discussions of one community: they stand above every first page
_HELD = "held-posts"


class Desk:
    def __init__(self, floor: Floor, posts: Posts, *, ids: Ids) -> None:
        self._floor = floor
        self._posts = posts
        self._ids = ids

    async def lock(self, actor: Actor, command: LockDiscussion) -> Done:
        """Let only moderators comment, or everybody again. Where that is so already nothing happens."""

        async def change(held: Held) -> dict[str, Any] | None:
            policy.require(held.standing, Action.LOCK_DISCUSSION)
            return None if held.discussion.locked is command.on else {"locked": command.on}

        name = "lock-discussion" if command.on else "unlock-discussion"
        return await self._set_state(actor, "lock-discussion", name, command, change)

    async def pin(self, actor: Actor, command: PinDiscussion) -> Done:
        """Show a discussion above the others, or no longer."""

        async def change(held: Held) -> dict[str, Any] | None:
            policy.require(held.standing, Action.PIN_DISCUSSION)
            if (held.discussion.place == Place.PINNED) is command.on:
                return None
            pinned = Discussion.filter(community_id=held.community.id, place=Place.PINNED)
            if command.on and await pinned.count() >= MAX_PINNED:
                raise DomainError(Code.FULL, f"a community has at most {MAX_PINNED} pins: take one off first")
            return {"place": Place.PINNED if command.on else Place.LISTED}

        name = "pin-discussion" if command.on else "unpin-discussion"
        return await self._set_state(actor, "pin-discussion", name, command, change)

    async def _set_state(self, actor: Actor, name: str, action: str, command: LockDiscussion, change: Any) -> Done:
        discussion_id = command.discussion_id
        community_id, entry_id = await self._floor.community_of(discussion_id), await self._ids.one()
        found: list[tuple[Held, dict[str, Any] | None]] = []

        async def decide() -> Sequence[NewEvent]:
            held = await self._floor.hold_discussion(discussion_id, actor)
            policy.require_voice(held.standing, held.now)
            standing_discussion(held.discussion)
            columns = await change(held)
            found[:] = [(held, columns)]
            if columns is None:
                return ()
            now_so = {"locked": held.discussion.locked, "place": held.discussion.place} | columns
            data = {
                "discussion_id": discussion_id,
                "locked": now_so["locked"],
                "pinned": now_so["place"] == Place.PINNED,
            }
            return [
                NewEvent(stream, STATE, data, ref=discussion_id, actor_id=actor.user_id)
                for stream in (stream_of(discussion_id), community_stream(community_id))
            ]

        async def effect(events: Sequence[Event]) -> None:
            ((held, columns),) = found
            if columns is None:
                return
            seq = seq_in(events, stream_of(discussion_id))
            await Discussion.filter(id=discussion_id).update(**columns, changed_seq=seq)
            details = {"discussion_id": discussion_id}
            await self._note(entry_id, held, actor, action, held.discussion.author_id, details)

        def reply(events: Sequence[Event]) -> Mapping[str, Any]:
            return {"seq": seq_in(events, stream_of(discussion_id)) if events else found[0][0].discussion.changed_seq}

        done = await self._floor.change(
            actor, name, command, community_id=community_id, discussion_id=discussion_id,
            decide=decide, effect=effect, reply=reply,
        )  # fmt: skip
        return Done(**done.reply)

    async def decide_held(self, actor: Actor, command: DecideHeldPost) -> Done:
        """Let a held post through, as if it were written now, or throw its text away."""
        held_post = await HeldPost.get_or_none(id=command.post_id)
        if held_post is None:
            raise not_found("held post")
        community_id, discussion_id = held_post.community_id, held_post.discussion_id
        site_role = await people.site_role_of(held_post.author_id) or "fan"
        entry_id, *notice_ids = await self._ids.take(1 + IDS)
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
            await HeldPost.filter(id=held_post.id).update(
                title="",
                text="",
                status="approved" if command.approve else "rejected",
                decided_at=now,
                decided_by=actor.user_id,
            )
            await ModerationEntry.create(
                id=entry_id,
                community_id=community_id,
                actor_id=actor.user_id,
                action="approve-held" if command.approve else "reject-held",
                user_id=held_post.author_id,
                details={"post_id": held_post.id},
                at=now,
            )
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
        return Done(**done.reply)

    async def held(self, actor: Actor, community_id: int, cursor: str | None, limit: int) -> Page[HeldPostView]:
        """What waits for a decision, the oldest first. For moderators: nobody else learns of it."""
        community, standing = await self._floor.standings.read_in(community_id, actor)
        policy.require_entry(standing, community.visibility)
        policy.require(standing, Action.READ_HELD)
        query = HeldPost.filter(community_id=community_id, status="waiting")
        if cursor is not None:
            (after,) = decode_cursor(cursor, _HELD, int)
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

        return page_of(rows, limit, show, lambda row: encode_cursor(_HELD, row.id))

    @staticmethod
    async def _note(
        entry_id: int, held: Held, actor: Actor, action: str, user_id: int, details: Mapping[str, Any]
    ) -> None:
        await ModerationEntry.create(
            id=entry_id,
            community_id=held.community.id,
            actor_id=actor.user_id,
            action=action,
            user_id=user_id,
            details=dict(details),
            at=held.now,
        )
