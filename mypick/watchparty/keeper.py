"""What each node sees to once a second: that it lives, that its hosts do, and what is due in any party.

Any node does what is due, wherever the party's people are; each thing is decided anew under the party's lock, so it is
done once. All that may be due is asked by one query.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping

import structlog

from mypick import db
from mypick.errors import Code, DomainError
from mypick.metrics import Metrics
from mypick.shared_clock import SharedClock
from mypick.watchparty import seats
from mypick.watchparty.hosts import LEASE_MS, Hosts
from mypick.watchparty.leads import Leads
from mypick.watchparty.members import Members
from mypick.watchparty.models import PartyNode, PartySeat, WatchParty
from mypick.watchparty.playing import Playing
from mypick.watchparty.watchers import Watchers

log = structlog.get_logger(__name__)

EVERY_MS = 1_000
BEAT_EVERY_MS = 2_000
DUE_ELSEWHERE_EVERY_MS = 5_000  # between two looks of a node without parties: for those whose nodes are all dead
COMPARE_EVERY_MS = 15_000  # between two comparisons of the seats with the sockets here
READ_AT_ONCE = 1_000  # parties
AT_ONCE = 200  # things of one kind that are done in one round; the rest waits for the next
SEATS_AT_ONCE = 2_000
ROUND_MS = 1_000  # leases that end within it are written by one statement
OLD_NODES_MS = 60_000  # after which a node that has gone is forgotten


class Keeper:
    def __init__(
        self,
        watchers: Watchers,
        shared: SharedClock,
        leads: Leads,
        *,
        node: str,
        metrics: Metrics,
    ) -> None:
        self._watchers = watchers
        self._shared = shared
        self._leads = leads
        self._node = node
        self._metrics = metrics
        self._due_ms: float | None = None  # the next thing that is known to become due
        self._news = asyncio.Event()
        self._began_ms = shared.now_ms()
        self._beat_at = self._compare_at = self._looked_at = float("-inf")
        self._members: Members | None = None
        self._hosts: Hosts | None = None
        self._playing: Playing | None = None

    def keep(self, members: Members, hosts: Hosts, playing: Playing) -> None:
        """What it calls, which call it in turn."""
        self._members, self._hosts, self._playing = members, hosts, playing

    def expect(self, due_ms: int | None) -> None:
        """Something becomes due at that moment: look in time."""
        if due_ms is not None and (self._due_ms is None or due_ms < self._due_ms):
            self._due_ms = due_ms
            self._news.set()

    async def run(self) -> None:
        while True:
            try:
                await self.tick()
            except Exception as failure:
                log.warning("a round of the parties failed", error=repr(failure)[:300])
            wait = EVERY_MS
            if self._due_ms is not None:
                wait = max(1, min(EVERY_MS, round(self._due_ms - self._shared.now_ms())))
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait / 1_000):
                    await self._news.wait()

    async def tick(self) -> None:
        """One round. What fails is tried again in the next."""
        now = self._shared.now_ms()
        if self._due_ms is not None and self._due_ms <= now:
            self._due_ms = None
        await self._write_going(now)
        if now - self._beat_at >= BEAT_EVERY_MS and self._watchers.parties:
            self._beat_at = now
            known = await seats.beat(self._node, now)
            await self._renew()
            if not known or now - self._compare_at >= COMPARE_EVERY_MS:
                self._compare_at = now
                await self._compare()
        await self._leads.share()
        if self._playing is not None:
            await _each(self._playing.waiting_here(), self._playing.look_at_waiting)
        if self._watchers.parties or now - self._looked_at >= DUE_ELSEWHERE_EVERY_MS:
            self._looked_at = now
            await self._do_due(now)
        self._metrics.parties_here.set(len(self._watchers.parties))
        self._metrics.party_guests.set(self._watchers.people())

    async def close(self) -> None:
        """The sockets have left: their seats are kept for them to come back to another node."""
        with contextlib.suppress(*db.FAILURES):
            await self._write_going(self._shared.now_ms())

    async def _write_going(self, now: float) -> None:
        going, self._watchers.going = self._watchers.going, set()
        by_party: dict[int, list[int]] = {}
        for party_id, user_id in going:
            if not self._watchers.here(party_id, user_id):
                by_party.setdefault(party_id, []).append(user_id)
        try:
            for party_id, user_ids in by_party.items():
                await seats.free_later(party_id, user_ids, self._node, now)
        except BaseException:
            self._watchers.going |= going
            raise

    async def _renew(self) -> None:
        """Who hosts the parties here is looked up, and the leases go on of those whose sockets here have answered."""
        here = self._watchers.parties
        ids, rows = list(here), []
        for start in range(0, len(ids), READ_AT_ONCE):
            some = WatchParty.filter(id__in=ids[start : start + READ_AT_ONCE], ended_at=None)
            rows += await some.values_list(
                "id", "host_id", "timeline_seq", "status", "effective_at_ms", "due_at_ms"
            )
        leases: dict[int, list[int]] = {}
        for party_id, host_id, seq, status, effective_at_ms, due_at_ms in rows:
            if (watched := here.get(party_id)) is None:
                continue
            if watched.host_id != host_id:
                watched.host_id, watched.heard_ms = host_id, None
            if seq > watched.seq:
                watched.seq, watched.status, watched.effective_at_ms = seq, status, effective_at_ms
            self.expect(due_at_ms)
            if watched.heard_ms is not None and host_id in watched.sockets:
                until = int(watched.heard_ms // ROUND_MS) * ROUND_MS + LEASE_MS
                leases.setdefault(until, []).append(party_id)
        for until, party_ids in leases.items():
            hosted = [here[party_id].host_id for party_id in party_ids if party_id in here]
            renewed = WatchParty.filter(id__in=party_ids, host_id__in=hosted, ended_at=None, host_until_ms__lt=until)
            await renewed.update(host_until_ms=until)

    async def _compare(self) -> None:
        """Seats that this node has written, with the sockets that are here: after it was taken for dead, or a write was
        lost, they differ."""
        if self._members is None:
            return
        wanted = {(party, user) for party, watched in self._watchers.parties.items() for user in watched.sockets}
        rows = await PartySeat.filter(node=self._node).values_list("party_id", "user_id", "until_ms")
        written = {(party, user) for party, user, until in rows if until is None}
        missing: dict[int, list[int]] = {}
        for party_id, user_id in wanted - written:
            missing.setdefault(party_id, []).append(user_id)
        for party_id, user_ids in missing.items():
            await self._members.reseat(party_id, user_ids)
        self._watchers.going |= {place for place in written - wanted if not self._watchers.here(*place)}

    async def _do_due(self, now: float) -> None:
        if self._members is None or self._hosts is None or self._playing is None:
            return
        due = await self._due(round(now))
        await _each(due.get("party", ()), self._playing.move_on)
        await _each(due.get("host", ()), self._hosts.lapsed)
        # after an outage of all, people have time to come back
        if (due.get("seat") or due.get("node")) and now - self._began_ms >= seats.NODE_LIFE_MS:
            await self._empty_seats(round(now))

    async def _due(self, now: int) -> Mapping[str, list[int]]:
        """What may be due: parties by kind. Seats and nodes only whether there are any."""
        rows = await db.rows(
            f"SELECT * FROM (SELECT 'party' AS kind, id FROM watch_party WHERE due_at_ms <= {now:d} "  # noqa: S608 - numbers
            f"LIMIT {AT_ONCE:d}) AS parties UNION ALL SELECT * FROM (SELECT 'host' AS kind, id FROM watch_party "
            f"WHERE host_until_ms <= {now:d} LIMIT {AT_ONCE:d}) AS hosts UNION ALL SELECT * FROM "
            f"(SELECT 'seat' AS kind, id FROM party_seat WHERE until_ms <= {now:d} LIMIT 1) AS seats UNION ALL "
            f"SELECT * FROM (SELECT 'node' AS kind, 0 AS id FROM party_node WHERE until_ms <= {now:d} LIMIT 1) AS nodes"
        )
        due: dict[str, list[int]] = {}
        for row in rows:
            due.setdefault(row["kind"], []).append(row["id"])
        return due

    async def _empty_seats(self, now: int) -> None:
        """People whose seats have ended, or whose node has gone, are gone."""
        if self._members is None:
            return
        ended = PartySeat.filter(until_ms__lte=now).limit(SEATS_AT_ONCE)
        places = set(await ended.values_list("party_id", "user_id"))
        dead = [row[0] for row in await PartyNode.filter(until_ms__lte=now).limit(AT_ONCE).values_list("node")]
        if dead:
            theirs = PartySeat.filter(node__in=dead).limit(SEATS_AT_ONCE)
            orphaned = set(await theirs.values_list("party_id", "user_id"))
            if not orphaned:
                await PartyNode.filter(node__in=dead, until_ms__lte=now - OLD_NODES_MS).delete()
            places |= orphaned
        by_party: dict[int, list[int]] = {}
        for party_id, user_id in places:
            by_party.setdefault(party_id, []).append(user_id)
        members = self._members
        await _each(by_party, lambda party_id: members.depart(party_id, by_party[party_id], "gone"))


async def _each(party_ids: Iterable[int], do: Callable[[int], Awaitable[object]]) -> None:
    """Do it for one party after the other. One with which something is wrong keeps no other waiting; where the database
    takes nothing it is the same for all, and the round is over."""
    for party_id in party_ids:
        try:
            await do(party_id)
        except db.FAILURES:
            raise
        except Exception as failure:
            if isinstance(failure, DomainError) and failure.code is Code.UNAVAILABLE:
                raise
            log.exception("a party was passed over", party_id=party_id)
