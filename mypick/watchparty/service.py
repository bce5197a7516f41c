"""Watch parties, put together: what both doors call."""

from __future__ import annotations

from collections.abc import Sequence

from mypick.clock import Clock
from mypick.content.service import Contents
from mypick.ids import Ids
from mypick.jobs.queue import Jobs
from mypick.limits import Limits
from mypick.metrics import Metrics
from mypick.shared_clock import SharedClock
from mypick.streams import Streams
from mypick.watchparty.chat.messages import Chat, Rules
from mypick.watchparty.chat.reactions import PartyReactions
from mypick.watchparty.chat.showing import Said
from mypick.watchparty.commands import MOST_CAPACITY
from mypick.watchparty.entry.invites import PartyInvites
from mypick.watchparty.entry.reminders import Reminders
from mypick.watchparty.entry.schedule import Schedule
from mypick.watchparty.entry.signing import InviteTokens
from mypick.watchparty.files import Files
from mypick.watchparty.hosts import Hosts
from mypick.watchparty.keeper import Keeper
from mypick.watchparty.leads import DelayBoard, Leads
from mypick.watchparty.members import Evict, Members
from mypick.watchparty.parties import Look, Parties
from mypick.watchparty.personal import PartyData
from mypick.watchparty.playable import Videos
from mypick.watchparty.playing import Playing
from mypick.watchparty.queue.history import History
from mypick.watchparty.queue.queue import Queue
from mypick.watchparty.queue.showing import Queues
from mypick.watchparty.reading import Reading
from mypick.watchparty.reports import Reports
from mypick.watchparty.telemetry import Telemetry, TelemetryBoard
from mypick.watchparty.turn import Turns
from mypick.watchparty.watchers import Watchers


class WatchParties:
    """``node`` names this process; ``shared`` is the clock that parties go by; ``delays`` is where nodes tell each
    other what they measured; ``evict`` and ``look`` put sockets out of streams; ``media_origins`` is where video files
    may lie."""

    def __init__(
        self,
        streams: Streams,
        contents: Contents,
        *,
        node: str,
        clock: Clock,
        shared: SharedClock,
        ids: Ids,
        delays: DelayBoard,
        telemetry: TelemetryBoard,
        jobs: Jobs,
        videos: Videos,
        rules: Rules,
        limits: Limits,
        secret: str,
        evict: Evict,
        look: Look,
        metrics: Metrics,
        capacity: int = MOST_CAPACITY,
        media_origins: Sequence[str] = (),
    ) -> None:
        self.shared = shared
        self.watchers = watchers = Watchers()
        turns = Turns(streams, ids, clock, shared)
        queues, said = Queues(streams, contents), Said(streams)
        self.leads = Leads(watchers, delays, shared, node)
        self.keeper = Keeper(watchers, shared, self.leads, node=node, metrics=metrics)
        self.hosts = Hosts(turns, metrics)
        self.members = Members(turns, self.hosts, watchers, node=node, clock=clock, evict=evict, metrics=metrics)
        self.playing = Playing(
            turns,
            watchers,
            contents,
            node=node,
            lead=self.leads.lead,
            expect=self.keeper.expect,
            signal=streams.signal,
        )
        self.reading = Reading(turns, streams, contents, queues, said, clock)
        self.reminders = Reminders(turns, self.members.kept_out, clock=clock, ids=ids, jobs=jobs)
        self.parties = Parties(
            turns,
            self.playing,
            self.reading,
            streams,
            contents,
            videos,
            clock=clock,
            ids=ids,
            look=look,
            reminders=self.reminders,
            capacity=capacity,
        )
        self.invites = PartyInvites(turns, self.reading, InviteTokens(secret), clock=clock, ids=ids, jobs=jobs)
        self.schedule = Schedule(self.reading, clock)
        self.queue = Queue(
            turns, self.reading, self.playing, queues, contents, videos, lead=self.leads.lead, ids=ids, jobs=jobs
        )
        self.history = History(self.reading, contents)
        self.chat = Chat(
            turns,
            streams,
            self.reading,
            said,
            rules,
            of_person=limits.meter("party.message"),
            of_party=limits.window("party.messages"),
            clock=clock,
            ids=ids,
        )
        self.reactions = PartyReactions(streams, watchers, node=node)
        self.telemetry = Telemetry(self.reading, watchers, telemetry, shared, node=node)
        self.reports = Reports(watchers, shared, self.telemetry, metrics)
        self.data = PartyData(streams, clock=clock, ids=ids)
        self.files = Files(contents, clock=clock, ids=ids, origins=media_origins)
        self.keeper.keep(self.members, self.hosts, self.playing)
