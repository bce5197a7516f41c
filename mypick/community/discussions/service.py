"""Discussions, put together: what both doors call."""

from __future__ import annotations

from mypick.clock import Clock
from mypick.community.desk.touches import Touches
from mypick.community.discussions.burying import Burying
from mypick.community.discussions.counts import CountJobs
from mypick.community.discussions.desk import Desk
from mypick.community.discussions.edits import PostEdits
from mypick.community.discussions.floor import Floor
from mypick.community.discussions.held import HeldPosts
from mypick.community.discussions.personal import DiscussionData
from mypick.community.discussions.posts import Posts
from mypick.community.discussions.purging import PostPurges
from mypick.community.discussions.reading import ReadingDiscussions
from mypick.community.discussions.reports import PostReports
from mypick.community.discussions.streams import ShownDiscussions
from mypick.community.discussions.visits import Visits
from mypick.community.discussions.votes import Votes
from mypick.community.entry.notices import Notices
from mypick.community.messages import Meter
from mypick.community.standings import Standings
from mypick.community.terms.rules import TextRules
from mypick.ids import Ids
from mypick.jobs.queue import Jobs
from mypick.streams import Streams
from mypick.streams.store import People


class Discussions:
    """``meter`` bounds how often one person writes."""

    def __init__(
        self,
        streams: Streams,
        people: People,
        standings: Standings,
        *,
        clock: Clock,
        ids: Ids,
        jobs: Jobs,
        meter: Meter,
        rules: TextRules,
        touches: Touches,
        notices: Notices,
    ) -> None:
        floor = Floor(streams, standings, clock)
        ShownDiscussions(people).register(streams.store)
        self.counts = CountJobs(streams, jobs, clock)
        self.reading = ReadingDiscussions(floor, streams)
        self.posts = Posts(floor, self.counts, rules, touches, ids=ids, jobs=jobs, meter=meter)
        self.edits = PostEdits(floor, self.counts, rules, touches, ids=ids, jobs=jobs)
        self.votes = Votes(floor, streams, self.counts, ids=ids)
        self.visits = Visits(floor, streams)
        self.reports = PostReports(floor, self.edits, touches, ids=ids)
        self.desk = Desk(floor, ids=ids)
        self.held = HeldPosts(floor, streams, self.posts, touches, notices, ids=ids)
        self.burying = Burying(floor, streams, self.counts, ids=ids)
        self.purges = PostPurges(self.burying, touches)
        self.data = DiscussionData(self.burying, self.votes, touches)
