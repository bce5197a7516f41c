"""What a party plays next: adding, removing, voting, and playing it."""

from __future__ import annotations

import asyncio

from tortoise.expressions import F

from mypick.accounts.actor import Actor
from mypick.content.service import Contents
from mypick.errors import Code, DomainError, not_found
from mypick.ids import Ids
from mypick.jobs.queue import Jobs
from mypick.jobs.work import Work
from mypick.streams import Event
from mypick.watchparty import policy
from mypick.watchparty.hosts import member_of
from mypick.watchparty.models import WatchParty
from mypick.watchparty.playable import Videos
from mypick.watchparty.playing import Lead, Playing
from mypick.watchparty.policy import Action, Role
from mypick.watchparty.queue.advance import EVENTS, drop, load_next
from mypick.watchparty.queue.commands import QueueAdd, QueueNext, QueueRemove, QueueVoteOn
from mypick.watchparty.queue.models import QueueItem, QueueVote
from mypick.watchparty.queue.showing import MAX_ITEMS, Queues
from mypick.watchparty.queue.views import QueueAdded, QueueDone, QueueView
from mypick.watchparty.reading import Reading
from mypick.watchparty.streams import QUEUE_CHANGED
from mypick.watchparty.turn import Turn, Turns, receipt
from mypick.watchparty.views import Steered

MAX_OWN = 10  # items of one guest in one queue
GATHER_MS = 500  # one event of a party's votes in this time: thousands vote, and each event goes to thousands
SHOW_VOTES = "watch-party.votes"


class Queue:
    """The first vote after a quiet moment is told at once; those that follow within ``GATHER_MS`` are told together by
    a job, which is asked for in the transaction of the first of them: what was counted is told, whoever dies."""

    def __init__(
        self,
        turns: Turns,
        reading: Reading,
        playing: Playing,
        queues: Queues,
        contents: Contents,
        videos: Videos,
        *,
        lead: Lead,
        ids: Ids,
        jobs: Jobs,
    ) -> None:
        self._turns = turns
        self._reading = reading
        self._playing = playing
        self._queues = queues
        self._contents = contents
        self._videos = videos
        self._lead = lead
        self._ids = ids
        self._jobs = jobs

    async def show(self, actor: Actor, party_id: int) -> QueueView:
        await self._reading.entered(actor, party_id)
        items = (await self._queues.of([party_id]))[party_id]
        return QueueView(items=items, own_votes=await self._queues.own_votes(party_id, actor.user_id))

    async def add(self, actor: Actor, command: QueueAdd) -> QueueAdded:
        """Add a video. ``CONFLICT`` where it waits already; ``FULL`` where the queue is, or one's own part of it."""
        content_id, refusal = 0, None
        try:
            content_id = await self._content_of(actor, command)
        except DomainError as refused:  # not yet: what was added before gets its reply, whatever became of the video
            refusal = refused
        item_id = await self._ids.one()

        async def decide(turn: Turn) -> None:
            role = await self._require(turn, actor, Action.QUEUE)
            if refusal is not None:
                raise refusal
            waiting = QueueItem.filter(party_id=turn.row.id)
            if known := await waiting.get_or_none(content_id=content_id):
                raise DomainError(
                    Code.CONFLICT, "it is in the queue already: vote for it", details={"item_id": known.id}
                )
            if await waiting.count() >= MAX_ITEMS:
                raise DomainError(Code.FULL, f"{MAX_ITEMS} videos wait: let some be played first")
            if role < Role.COHOST and await waiting.filter(added_by=actor.user_id).count() >= MAX_OWN:
                raise DomainError(Code.FULL, f"{MAX_OWN} videos of yours wait: let one be played or remove it first")
            item = QueueItem(
                id=item_id,
                party_id=turn.row.id,
                content_id=content_id,
                added_by=actor.user_id,
                added_at=self._turns.now(),
                place=0,
            )
            said = {
                "id": item_id,
                "party_id": turn.row.id,
                "content_id": content_id,
                "added_by": actor.user_id,
                "added_at": item.added_at.isoformat(),
                "votes": 0,
                "place": 0,
            }
            turn.tell(QUEUE_CHANGED, {"action": "added", "item": said}, actor.user_id)

            async def write(event: Event) -> None:
                item.place = event.seq
                await item.save(force_create=True)

            turn.after(QUEUE_CHANGED, write)

        done = await self._turns.take(
            command.party_id,
            decide,
            receipt=receipt(actor, "queue-add", command),
            reply=lambda _, events: {"item_id": item_id, "seq": events[0].seq},
        )
        return QueueAdded(**done.reply)

    async def _content_of(self, actor: Actor, command: QueueAdd) -> int:
        """No platform is asked for somebody who is not there."""
        if command.content_id is None:
            party = await WatchParty.get_or_none(id=command.party_id)
            if party is None:
                raise not_found("party")
            policy.require_present(party, await member_of(party.id, actor.user_id))
        content_id = command.content_id or await self._videos.content_of(actor, command.url or "")
        await self._playing.playable(content_id)
        return content_id

    async def remove(self, actor: Actor, command: QueueRemove) -> QueueDone:
        """Take an item out: whoever added it, the host and co-hosts."""

        async def decide(turn: Turn) -> None:
            role = await self._require(turn, actor)
            item = await _item(turn.row.id, command.item_id)
            if item.added_by != actor.user_id and role < Role.COHOST:
                raise DomainError(Code.FORBIDDEN, "only who added it, the host and co-hosts may remove it")
            await drop([item.id])
            turn.tell(QUEUE_CHANGED, {"action": "removed", "item_ids": [item.id]}, actor.user_id)

        done = await self._turns.take(command.party_id, decide, receipt=receipt(actor, "queue-remove", command))
        return QueueDone(**done.reply)

    async def vote(self, actor: Actor, command: QueueVoteOn) -> QueueDone:
        """Vote for an item, or no longer. Where that is so already nothing happens."""
        asks: list[bool] = []

        async def decide(turn: Turn) -> None:
            asks.clear()
            await self._require(turn, actor)
            item = await _item(turn.row.id, command.item_id)
            mine = QueueVote.filter(item_id=item.id, user_id=actor.user_id)
            if await mine.exists() is command.on:
                return
            if command.on:
                await QueueVote.create(item_id=item.id, user_id=actor.user_id)
            else:
                await mine.delete()
            item.votes += 1 if command.on else -1
            await QueueItem.filter(id=item.id).update(votes=item.votes)
            if turn.row.votes_due:
                return
            since = turn.now_ms - (turn.row.votes_told_ms or 0)
            if not 0 <= since < GATHER_MS:
                await _tell_votes(turn)
                return
            turn.set(votes_due=True)
            due_at = self._turns.moment(turn.now_ms + GATHER_MS - since)
            await self._jobs.enqueue(SHOW_VOTES, {"party_id": turn.row.id}, due_at=due_at)
            asks.append(True)

        done = await self._turns.take(command.party_id, decide, receipt=receipt(actor, "queue-vote", command))
        if asks and not done.duplicate:
            # a worker of another process learns of it when it is due; lost with this process, a sweep finds it
            asyncio.get_running_loop().call_later(GATHER_MS / 1_000, self._jobs.wake, SHOW_VOTES)
        return QueueDone(**done.reply)

    async def show_votes(self, work: Work) -> None:
        """Handles the job ``watch-party.votes`` with args ``{"party_id"}``; again does nothing."""

        async def decide(turn: Turn) -> None:
            if turn.row.votes_due:
                await _tell_votes(turn)

        await self._turns.take(work.args["party_id"], decide)

    async def next(self, actor: Actor, command: QueueNext) -> Steered:
        """Play the next item now. ``CONFLICT`` with the current timeline where it was meant for an older one."""

        async def decide(turn: Turn) -> None:
            await self._require(turn, actor, Action.CONTROL)
            await turn.require_newest(command.base_seq)
            found = await load_next(
                turn, self._contents, self._lead(turn.row.id), item_id=command.item_id, actor_id=actor.user_id
            )
            if not found and not turn.events:
                raise not_found("item in the queue: add one")

        done = await self._turns.take(
            command.party_id,
            decide,
            receipt=receipt(actor, "queue-next", command),
            reply=lambda turn, events: {"seq": events[0].seq if turn.moved else turn.timeline.seq},
            events=EVENTS,
        )
        await self._playing.look(command.party_id)
        return Steered(**done.reply)

    async def _require(self, turn: Turn, actor: Actor, action: Action | None = None) -> Role:
        member = policy.require_present(turn.row, await member_of(turn.row.id, actor.user_id))
        policy.require_open(turn.row)
        role = policy.role_of(turn.row, member, actor.user_id)
        if action is not None:
            policy.require(turn.row, role, action)
        return role


async def _item(party_id: int, item_id: int) -> QueueItem:
    item = await QueueItem.get_or_none(id=item_id, party_id=party_id)
    if item is None:
        raise not_found("item in the queue: it was played or removed")
    return item


async def _tell_votes(turn: Turn) -> None:
    """One event with all votes that no event has told yet."""
    rows = [row for row in await QueueItem.filter(party_id=turn.row.id) if row.votes != row.told_votes]
    turn.set(votes_due=False, votes_told_ms=round(turn.now_ms))
    if not rows:
        return
    await QueueItem.filter(id__in=[row.id for row in rows]).update(told_votes=F("votes"))
    votes = [{"item_id": row.id, "votes": row.votes} for row in rows]
    turn.tell(QUEUE_CHANGED, {"action": "voted", "votes": votes})
