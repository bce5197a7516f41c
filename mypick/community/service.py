"""Communities, put together: what both doors call."""

from __future__ import annotations

from tortoise.exceptions import IntegrityError

from mypick import db
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community.commands import OpenCommunity
from mypick.community.desk.appeals import Appeals
from mypick.community.desk.desk import Desk
from mypick.community.desk.held import HeldMessages
from mypick.community.desk.purges import Purges
from mypick.community.desk.touches import Touches
from mypick.community.discussions.indexing import POSTS
from mypick.community.discussions.service import Discussions
from mypick.community.edits import Edits
from mypick.community.elsewhere import Elsewhere
from mypick.community.entry.claims import Claims, Proofs
from mypick.community.entry.invites import Invites
from mypick.community.entry.notices import Notices
from mypick.community.entry.ownership import Ownership
from mypick.community.entry.requests import Requests
from mypick.community.entry.settings import Look, Settings
from mypick.community.imports.importer import Importer
from mypick.community.marks import Marks
from mypick.community.members import Members
from mypick.community.messages import Messages, Meter
from mypick.community.models import Community, Room
from mypick.community.moderation import Evict, Moderation
from mypick.community.personal import CommunityData
from mypick.community.places import Places
from mypick.community.reactions import Reactions
from mypick.community.reading import Reading
from mypick.community.reports import Reports
from mypick.community.rooms import Rooms
from mypick.community.searching import CommunitySearch
from mypick.community.standings import Standings
from mypick.community.streams import Shown
from mypick.community.terms.matchers import Matchers
from mypick.community.terms.rules import TextRules
from mypick.community.terms.service import Terms
from mypick.community.views import CommunityView
from mypick.creators import queries as creators
from mypick.errors import not_found
from mypick.ids import Ids
from mypick.jobs.queue import Jobs
from mypick.streams import Streams
from mypick.streams.store import People

FIRST_ROOM = "chat"


class Communities:
    """``meter`` bounds how often one person sends messages; ``evict`` puts sockets out of a room on every node,
    ``look`` lets every node look who may still be where; ``proofs`` tells what a creator's channels show."""

    def __init__(
        self,
        streams: Streams,
        people: People,
        *,
        clock: Clock,
        ids: Ids,
        jobs: Jobs,
        meter: Meter,
        evict: Evict,
        look: Look,
        proofs: Proofs,
    ) -> None:
        standings, rooms, matchers = Standings(clock), Rooms(), Matchers()
        rules = TextRules(matchers)
        touches, notices = Touches(jobs), Notices(jobs)
        Shown(people).register(streams.store)
        self.reading = Reading(streams, standings, clock=clock)
        self.places = Places(streams, standings, self.reading.snapshots)
        self.messages = Messages(
            streams, standings, rooms, rules, touches, clock=clock, ids=ids, jobs=jobs, meter=meter
        )
        self.edits = Edits(streams, standings, rooms, rules, touches, clock=clock, ids=ids, jobs=jobs)
        self.reactions = Reactions(streams, standings, rooms, clock=clock, jobs=jobs)
        self.marks = Marks(streams, standings, rooms, clock=clock, ids=ids)
        self.discussions = Discussions(
            streams, people, standings, clock=clock, ids=ids, jobs=jobs, meter=meter, rules=rules, touches=touches,
            notices=notices,
        )  # fmt: skip
        posts = self.discussions.purges
        self.purges = Purges(streams, standings, rooms, touches, posts, clock=clock, ids=ids, jobs=jobs)
        self.moderation = Moderation(
            streams, standings, rooms, touches, notices, self.purges, clock=clock, ids=ids, jobs=jobs, evict=evict
        )
        held = self.discussions.held
        self.held = HeldMessages(streams, standings, rooms, touches, notices, held, clock=clock, ids=ids, jobs=jobs)
        self.appeals = Appeals(streams, standings, touches, notices, clock=clock, ids=ids)
        of_posts = self.discussions.reports
        self.reports = Reports(streams, standings, rooms, touches, of_posts, clock=clock, ids=ids)
        self.search = CommunitySearch(standings, POSTS)
        self.elsewhere = Elsewhere(standings, rules)
        self.terms = Terms(streams, standings, matchers, clock=clock, ids=ids)
        self.importer = Importer(streams, clock=clock, ids=ids)
        self.data = CommunityData(streams, standings, touches, clock=clock, ids=ids)
        self.members = members = Members(streams, standings, notices, clock=clock, ids=ids, evict=evict)
        self.settings = Settings(streams, standings, rooms, clock=clock, ids=ids, look=look)
        self.ownership = Ownership(streams, standings, members, notices, clock=clock, ids=ids)
        self.requests = Requests(streams, standings, members, touches, notices, clock=clock, ids=ids)
        self.invites = Invites(streams, standings, members, self.requests, touches, clock=clock, ids=ids)
        self.claims = Claims(streams, standings, members, self.ownership, notices, proofs, clock=clock, ids=ids)
        self.desk = Desk(streams, standings, clock=clock)
        self._clock = clock

    async def open(self, actor: Actor, command: OpenCommunity) -> CommunityView:
        """The community of a creator; opened if nobody has done so."""
        return await self.reading.community(actor, await self.open_for(command.creator_id))

    async def open_for(self, creator_id: int) -> int:
        """The id of the creator's community: a public one with one chat room, made if it is not there. One query where
        it is. May be called inside a transaction, which then holds the creator's row."""
        if existing := await _community_of(creator_id):
            return existing
        creator = (await creators.names_of([creator_id])).get(creator_id)
        if creator is None:
            raise not_found("creator")
        now = self._clock.now()
        try:
            async with db.transaction():
                community = await Community.create(creator_id=creator_id, name=creator.name, created_at=now)
                await Room.create(community_id=community.id, name=FIRST_ROOM, created_at=now)
        except IntegrityError:  # somebody was quicker
            return await _community_of(creator_id) or await self.open_for(creator_id)
        return int(community.id)


async def _community_of(creator_id: int) -> int | None:
    row = await Community.get_or_none(creator_id=creator_id).values_list("id")
    return int(row[0]) if row else None
