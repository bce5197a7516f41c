"""Reminding people of parties that begin at a time: jobs of the database, which a party's own row checks again.

Two jobs stand for each time that was set: ten minutes before, and at the start. Both name the time that they are for,
so one that was set for another time finds nothing to do. People are told by chunks, each in one transaction with how
far the job is: killed anywhere, it goes on behind the last chunk, and nobody is told twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta

from mypick import db
from mypick.accounts import queries as people
from mypick.clock import Clock
from mypick.control import Eviction
from mypick.ids import Ids
from mypick.jobs.queue import Jobs
from mypick.jobs.work import Work
from mypick.notifications.announcements import TELL, Announcement, announce_to
from mypick.watchparty.entry.doors import BEFORE
from mypick.watchparty.entry.invites import page_of_party
from mypick.watchparty.entry.models import PartyAttendance
from mypick.watchparty.entry.words import LANGUAGES, Word, by_language, worded
from mypick.watchparty.hosts import LEASE_MS
from mypick.watchparty.models import WatchParty
from mypick.watchparty.streams import party_id_of
from mypick.watchparty.turn import Turn, Turns

REMIND = "watch-party.remind"
TOO_LATE = timedelta(minutes=30)  # after a time has passed, for servers that were away: nobody is told of the past
CHUNK = 200  # people in one transaction
HOST_GRACE_MS = 120_000  # that a party waits for its host after it has begun

Refused = Callable[[list[tuple[int, int]]], Awaitable[Collection[Eviction]]]
"""Those of pairs of party and person who may not be there."""


class Reminders:
    def __init__(self, turns: Turns, refused: Refused, *, clock: Clock, ids: Ids, jobs: Jobs) -> None:
        self._turns = turns
        self._refused = refused
        self._clock = clock
        self._ids = ids
        self._jobs = jobs

    async def arm(self, party_id: int, starts_at: datetime) -> None:
        """Ask for both jobs, in the transaction that sets the time. The same time twice is once."""
        stamp = _stamp(starts_at)
        for word, due_at in (("soon", starts_at - BEFORE), ("now", starts_at)):
            args = {"party_id": party_id, "starts": stamp, "word": word}
            if due_at > self._clock.now():
                key = f"party:{party_id}:{stamp}:{word}"
                await self._jobs.enqueue(REMIND, args, dedupe_key=key, due_at=due_at)

    async def run(self, work: Work) -> None:
        """Handles the job ``watch-party.remind`` with args ``{"party_id", "starts", "word"}``; the cursor is the id of
        the last attendance that was told."""
        party_id, word = work.args["party_id"], work.args["word"]
        party = await WatchParty.get_or_none(id=party_id)
        if party is None or party.ended_at is not None or party.starts_at is None:
            return
        if _stamp(party.starts_at) != work.args["starts"]:
            return
        if word == "now":
            await self._begin(party_id)
        if self._clock.now() - party.starts_at > TOO_LATE:
            return
        last = (work.cursor or {}).get("after", 0)
        while True:
            coming = PartyAttendance.filter(party_id=party_id, id__gt=last).order_by("id").limit(CHUNK)
            rows = await coming.values_list("id", "user_id")
            if not rows:
                break
            last = rows[-1][0]
            await self._tell(party, word, [user_id for _, user_id in rows], last, work)
            self._jobs.wake(TELL)

    async def _tell(self, party: WatchParty, word: Word, user_ids: list[int], last: int, work: Work) -> None:
        refused = await self._refused([(party.id, user_id) for user_id in user_ids])
        out = {eviction.user_id for eviction in refused if party_id_of(eviction.stream) == party.id}
        told = await people.users_exist(user_id for user_id in user_ids if user_id not in out)
        languages = await by_language(told)
        notice_ids = await self._ids.take(len(LANGUAGES))
        async with db.transaction():
            for notice_id, language in zip(notice_ids, LANGUAGES, strict=True):
                title, body = worded(word, language, party=party.title)
                announcement = Announcement(
                    id=notice_id,
                    key=f"party-{word}:{party.id}:{work.args['starts']}:{language}:{last}",
                    kind="party-reminder",
                    title=title,
                    body=body,
                    url=page_of_party(party.id),
                    image_url=None,
                    creator_id=party.creator_id,
                    content_id=party.content_id,
                    actor_id=party.titled_by or party.created_by,  # whose words the title is
                )
                await announce_to(languages.get(language, []), announcement, jobs=self._jobs, now=self._clock.now())
            await work.checkpoint({"after": last})

    async def _begin(self, party_id: int) -> None:
        """The party has begun, whether its host is there or not: after a while somebody else who is there may host."""

        async def decide(turn: Turn) -> None:
            if turn.row.opened_at is None and turn.row.ended_at is None:
                until = round(turn.now_ms) + max(LEASE_MS, HOST_GRACE_MS)
                turn.set(opened_at=self._clock.now(), host_until_ms=until)

        await self._turns.take(party_id, decide)


def _stamp(at: datetime) -> int:
    return int(at.timestamp())
