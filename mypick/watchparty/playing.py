"""Steering what is played, and starting it when those who are there are ready."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from mypick.accounts.actor import Actor
from mypick.content.service import Contents
from mypick.errors import Code, DomainError
from mypick.gathering import Gathering
from mypick.watchparty import gate, policy, seats
from mypick.watchparty.commands import Ready, Steer
from mypick.watchparty.hosts import member_of
from mypick.watchparty.lead import PAUSE_MS
from mypick.watchparty.models import PartySeat, WatchParty
from mypick.watchparty.playable import playable_of
from mypick.watchparty.queue.advance import EVENTS, load_next
from mypick.watchparty.streams import GATE, party_stream
from mypick.watchparty.timeline import Playable, steered
from mypick.watchparty.turn import Turn, Turns, receipt
from mypick.watchparty.views import GateState, Steered
from mypick.watchparty.watchers import Watchers

READY_PAUSE = 0.1  # seconds over which thousands who become ready are written together

Lead = Callable[[int], int]
"""The lead of a party's next command, in ms."""
Expect = Callable[[int | None], None]
"""Takes the moment of the party clock at which a party moves on by itself."""
Signal = Callable[[str, str, Mapping[str, Any]], Awaitable[None]]
"""Tells the members of a stream something of the moment."""


class _Report(NamedTuple):
    party_id: int
    user_id: int
    seq: int
    ready: bool


class Playing:
    """``expect`` is told when something is due, so that this node looks in time. ``signal`` tells the people of a party
    something of the moment: how many are ready, at most once in ``READY_PAUSE`` from each node."""

    def __init__(
        self,
        turns: Turns,
        watchers: Watchers,
        contents: Contents,
        *,
        node: str,
        lead: Lead,
        expect: Expect,
        signal: Signal,
    ) -> None:
        self._turns = turns
        self._watchers = watchers
        self._contents = contents
        self._node = node
        self._lead = lead
        self._expect = expect
        self._signal = signal
        self._reports = Gathering(self._write, longest_pause=READY_PAUSE)

    async def steer(self, actor: Actor, command: Steer) -> Steered:
        """One command. ``CONFLICT`` with the current timeline where it was meant for an older one."""
        content: Playable | None = None
        refusal: DomainError | None = None
        if command.content_id is not None:
            try:
                content = await self.playable(command.content_id)
            except DomainError as refused:  # not yet: what was loaded before gets its reply, whatever became of it
                refusal = refused

        async def decide(turn: Turn) -> None:
            party = turn.row
            member = policy.require_present(party, await member_of(party.id, actor.user_id))
            policy.require_open(party)
            policy.require(party, policy.role_of(party, member, actor.user_id), policy.Action.CONTROL)
            if refusal is not None:
                raise refusal
            await turn.require_newest(command.base_seq)
            lead = PAUSE_MS if command.op == "pause" else self._lead(party.id)
            moved = steered(
                turn.timeline,
                command.op,
                turn.now_ms,
                lead,
                position_ms=command.position_ms,
                rate=command.rate,
                content=content,
            )
            turn.move(moved, actor.user_id)

        done = await self._turns.take(
            command.party_id,
            decide,
            receipt=receipt(actor, "control", command),
            reply=lambda turn, events: {"seq": events[0].seq if events else turn.timeline.seq},
        )
        await self.look(command.party_id)
        return Steered(**done.reply)

    async def playable(self, content_id: int) -> Playable:
        """``NOT_FOUND`` where there is no such content; ``INVALID`` for what cannot be played."""
        return playable_of((await self._contents.of_ids([content_id])).get(content_id))

    async def ready(self, actor: Actor, command: Ready) -> None:
        """A guest's player is ready to start, or is not. Of a timeline that is not the newest, or where nobody waits,
        it means nothing: who stalls while the party plays catches up alone."""
        watched = self._watchers.parties.get(command.party_id)
        if watched is None or actor.user_id not in watched.sockets:
            raise DomainError(Code.NOT_MEMBER, "join the party first")
        if watched.seq > command.seq or (watched.seq == command.seq and watched.status != "waiting"):
            return
        await self._reports.get(_Report(command.party_id, actor.user_id, command.seq, command.state == "ready"))

    async def _write(self, reports: Sequence[_Report]) -> Mapping[_Report, bool]:
        alike: dict[tuple[int, int, bool], list[int]] = {}
        for report in reports:
            alike.setdefault((report.party_id, report.seq, report.ready), []).append(report.user_id)
        for (party_id, seq, ready), user_ids in sorted(alike.items()):
            mine = PartySeat.filter(party_id=party_id, node=self._node, user_id__in=user_ids)
            await mine.update(ready_seq=seq if ready else 0)
        looked = {(party_id, seq) for party_id, seq, ready in alike if ready}
        await asyncio.gather(*(self._start_if_ready(party_id, seq) for party_id, seq in looked))
        return {}

    def waiting_here(self) -> list[int]:
        """Parties with people here that wait for their guests."""
        return [party_id for party_id, watched in self._watchers.parties.items() if watched.status == "waiting"]

    async def look_at_waiting(self, party_id: int) -> None:
        """Whether a party that waits can start, for somebody may have left whom it waited for."""
        if (watched := self._watchers.parties.get(party_id)) is not None:
            await self._start_if_ready(party_id, watched.seq)

    async def _start_if_ready(self, party_id: int, seq: int) -> None:
        party = await WatchParty.get_or_none(id=party_id)
        if party is None or party.status != "waiting" or party.timeline_seq != seq:
            return
        present = await seats.count(party_id, seq, party.host_id, self._turns.now_ms())
        if gate.may_start(present):
            await self._start(party_id, seq)
            return
        ready, of = present.ready + present.host_ready, present.guests + present.host
        told = GateState(party_id=party_id, seq=seq, ready=ready, of=of)
        await self._signal(party_stream(party_id), GATE, told.model_dump())

    async def _start(self, party_id: int, seq: int) -> None:
        """Whichever node is first starts it; for the others it does not wait any more."""

        async def decide(turn: Turn) -> None:
            if turn.timeline.seq == seq and turn.row.ended_at is None:
                turn.move(turn.timeline.start(turn.now_ms, self._lead(party_id), "ready"))

        await self._turns.take(party_id, decide)
        await self.look(party_id)

    async def move_on(self, party_id: int) -> None:
        """What is due by now is done: the gate opens though not all are ready, or the content has come to its end and
        the next of the queue is loaded."""

        async def decide(turn: Turn) -> None:
            timeline = turn.timeline
            due = timeline.due_at_ms
            if due is None or turn.now_ms < due:
                return
            if timeline.status == "waiting":
                turn.move(timeline.start(turn.now_ms, self._lead(party_id), "deadline"))
            elif not (turn.row.autoplay and await load_next(turn, self._contents, self._lead(party_id))):
                turn.move(timeline.end(turn.now_ms, "end"))

        await self._turns.take(party_id, decide, events=EVENTS)
        await self.look(party_id)

    async def look(self, party_id: int) -> None:
        """When the party moves on next is known here."""
        row = await WatchParty.get_or_none(id=party_id).values_list("due_at_ms")
        if row is not None:
            self._expect(row[0])
