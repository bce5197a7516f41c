"""What moderators do with discussions: locking and pinning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mypick.accounts.actor import Actor
from mypick.community import policy
from mypick.community.discussions.commands import LockDiscussion, PinDiscussion
from mypick.community.discussions.floor import Floor, Held, seq_in, standing_discussion
from mypick.community.discussions.models import Discussion, Place
from mypick.community.discussions.streams import STATE, stream_of
from mypick.community.models import ModerationEntry
from mypick.community.policy import Action
from mypick.community.streams import community_stream
from mypick.community.views import Done
from mypick.errors import Code, DomainError
from mypick.ids import Ids
from mypick.streams import Event, NewEvent

MAX_PINNED = 5  # discussions of one community: they stand above every first page


class Desk:
    def __init__(self, floor: Floor, *, ids: Ids) -> None:
        self._floor = floor
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
