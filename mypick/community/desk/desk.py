"""The desk: what waits for the moderators of a community, live, and who of them deals with what.

Its stream holds ids and counts. Texts are asked for, so what was decided or erased is in no replay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from mypick.accounts.actor import Actor
from mypick.clock import Clock, to_wire
from mypick.community import policy
from mypick.community.desk.commands import ClaimItem
from mypick.community.desk.items import MAX_CLAIMS, counts_of, is_here, is_waiting, page_of_items, progress_of
from mypick.community.desk.models import DeskClaim
from mypick.community.desk.streams import DESK_CHANGED, community_of, desk_of
from mypick.community.desk.touches import ItemKind
from mypick.community.desk.views import DeskItem, DeskJoined, ItemClaim, ItemClaimed
from mypick.community.members import community_named
from mypick.community.models import Community
from mypick.community.policy import Action, Standing
from mypick.community.reading import role_word
from mypick.community.standings import Standings
from mypick.control import Eviction
from mypick.errors import Code, DomainError, not_found
from mypick.jobs.work import Work
from mypick.pagination import Page, decode_cursor, encode_cursor, page_of
from mypick.streams import Append, Event, NewEvent, Position, Streams
from mypick.streams.store import MAX_PAGE

CLAIM_FOR = timedelta(minutes=5)  # then somebody else may take the item without asking
_LIST = "desk"


class Desk:
    def __init__(self, streams: Streams, standings: Standings, *, clock: Clock) -> None:
        self._streams = streams
        self._standings = standings
        self._clock = clock

    async def tell(self, work: Work) -> None:
        """The job ``community.desk``: an item as it is now, to all who are at the desk."""
        community_id, kind, item_id = work.args["community_id"], work.args["kind"], work.args["id"]

        async def decide() -> Sequence[NewEvent]:
            if not await is_waiting(kind, item_id):
                await DeskClaim.filter(community_id=community_id, kind=kind, item_id=item_id).delete()
            return [await self._event(community_id, kind, item_id, None)]

        # beside the groups: chat need not wait while what waits is counted
        await self._streams.append_alone(Append(streams=[desk_of(community_id)], decide=decide))

    async def join(
        self, actor: Actor, community_id: int, epoch: str | None, after_seq: int | None
    ) -> tuple[Position, DeskJoined]:
        """What a moderator gets who comes to the desk, and the position up to whose head that is true at least."""
        standing = await self._enter(actor, community_id)
        position = await self._streams.store.position(desk_of(community_id))  # first: what follows is never older
        answer: dict[str, Any] = {"reset": True}
        if after_seq is not None:
            answer = await self._streams.store.resume(position.key, epoch, after_seq, MAX_PAGE)
        if answer["reset"]:
            answer = {
                "stream": position.key,
                "epoch": position.epoch,
                "head_seq": position.head_seq,
                "floor_seq": position.floor_seq,
                "reset": True,
                "events": [],
                "more": False,
            }
        rows = await DeskClaim.filter(community_id=community_id, until__gt=self._clock.now()).limit(MAX_CLAIMS)
        claims = [{"kind": row.kind, "id": row.item_id, "user_id": row.user_id, "until": row.until} for row in rows]
        return position, DeskJoined(
            **answer,
            role=role_word(standing),
            counts=await counts_of(community_id),
            claims=[ItemClaim.model_validate(claim) for claim in claims],
        )

    async def may_read(self, actor: Actor, stream: str) -> bool:
        """Whether the stream is a desk at which the actor works."""
        community_id = community_of(stream)
        if community_id is None:
            return False
        try:
            await self._enter(actor, community_id)
        except DomainError:
            return False
        return True

    async def evicted_among(self, members: Sequence[tuple[str, int]]) -> list[Eviction]:
        """Those of ``members``, desks' streams with user ids, who do not work there any more. Four queries."""
        seats = [(community_of(stream) or 0, user_id) for stream, user_id in members]
        standings = await self._standings.of_people(seats)
        return [
            Eviction(stream, user_id, Code.BANNED if standings[seat].ban else Code.FORBIDDEN)
            for (stream, user_id), seat in zip(members, seats, strict=True)
            if not policy.may_work(standings[seat])
        ]

    async def claim(self, actor: Actor, command: ClaimItem) -> ItemClaimed:
        """Say that one deals with an item. ``CONFLICT`` where somebody else does, ``GONE`` where nothing waits any
        more. Twice is no error and lasts longer."""
        community_id, now = command.community_id, self._clock.now()
        until = now + CLAIM_FOR
        await self._enter(actor, community_id)
        if not await is_here(community_id, command.kind, command.id):
            raise not_found(f"{command.kind} at this desk")
        holder: list[tuple[int, Any] | None] = [None]

        async def decide() -> Sequence[NewEvent]:
            await self._enter(actor, community_id)
            theirs = DeskClaim.filter(community_id=community_id, kind=command.kind, item_id=command.id)
            row = await theirs.first()
            busy = row is not None and row.until > now and row.user_id != actor.user_id
            if command.on:
                if not await is_waiting(command.kind, command.id):
                    raise DomainError(Code.GONE, "it was dealt with already")
                if busy and row is not None:
                    details = {"claimed_by": row.user_id, "claimed_until": to_wire(row.until)}
                    raise DomainError(Code.CONFLICT, "somebody else deals with it now", details=details)
                await theirs.delete()
                await DeskClaim.create(
                    community_id=community_id, kind=command.kind, item_id=command.id, user_id=actor.user_id, until=until
                )
                holder[0] = (actor.user_id, until)
            else:
                holder[0] = (row.user_id, row.until) if busy and row is not None else None
                if row is None or busy:
                    return ()
                await theirs.delete()
            return [await self._event(community_id, command.kind, command.id, actor)]

        def reply(events: Sequence[Event]) -> Mapping[str, Any]:
            return {"seq": events[0].seq if events else None}

        done = await self._streams.append(Append(streams=[desk_of(community_id)], decide=decide, reply=reply))
        claimed_by, claimed_until = holder[0] or (None, None)
        return ItemClaimed(seq=done.reply["seq"], claimed_by=claimed_by, claimed_until=claimed_until)

    async def list(
        self, actor: Actor, community_id: int, kind: ItemKind, cursor: str | None, limit: int
    ) -> Page[DeskItem]:
        """What waits of one kind, the oldest first, with its text."""
        await self._enter(actor, community_id)
        after = 0 if cursor is None else decode_cursor(cursor, f"{_LIST}-{kind}", int)[0]
        items = await page_of_items(community_id, kind, after, limit + 1, self._clock.now())
        return page_of(items, limit, lambda item: item, lambda item: encode_cursor(f"{_LIST}-{kind}", item.id))

    async def _event(self, community_id: int, kind: ItemKind, item_id: int, actor: Actor | None) -> NewEvent:
        claim = await DeskClaim.get_or_none(community_id=community_id, kind=kind, item_id=item_id)
        progress = await progress_of(kind, item_id)
        data = {
            "kind": kind,
            "id": item_id,
            "waiting": await is_waiting(kind, item_id),
            "claimed_by": claim.user_id if claim else None,
            "claimed_until": to_wire(claim.until) if claim else None,
            "progress": progress.model_dump() if progress else None,
            "counts": (await counts_of(community_id)).model_dump(),
        }
        actor_id = actor.user_id if actor else None
        return NewEvent(desk_of(community_id), DESK_CHANGED, data, ref=item_id, actor_id=actor_id)

    async def _enter(self, actor: Actor, community_id: int) -> Standing:
        community: Community = await community_named(community_id)
        standing = (await self._standings.of_all([community_id], actor))[community_id]
        policy.require_office(standing, community.visibility, Action.READ_DESK, self._clock.now())
        return standing
