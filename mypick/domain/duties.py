"""What a process does without being asked: jobs, and what is due by the clock."""

from __future__ import annotations

from datetime import timedelta

import structlog

from mypick.community.desk.purges import PURGE
from mypick.community.desk.touches import DESK
from mypick.community.discussions.counts import PRIORITY as COUNTS_PRIORITY
from mypick.community.discussions.counts import TELL_COUNTS
from mypick.community.discussions.previewing import POST_PREVIEW, PostPreviewing
from mypick.community.previewing import PREVIEW, PRIORITY, TRIES, Previewing
from mypick.community.reactions import SHOW_REACTIONS
from mypick.creators.service import POLL
from mypick.domain.parts import Domain
from mypick.notifications.announcements import FAN_OUT, TELL
from mypick.notifications.fan_out import FanOut
from mypick.search.packer import PACK, work_packing
from mypick.streams.retention import Trimmer
from mypick.watchparty.entry.reminders import REMIND
from mypick.watchparty.queue.queue import SHOW_VOTES

log = structlog.get_logger(__name__)

HOUR = 3_600  # seconds
KEEP_DONE = timedelta(days=7)  # jobs, for an operator who asks what happened
PACK_EVERY = 10  # seconds between two looks at what waits for the search index
MEASURE_EVERY = 15  # seconds between two looks at the queue, as often as Prometheus scrapes by default


def give_duties(domain: Domain) -> None:
    """Say who works which kind of job, and what is done on a clock."""
    settings, jobs, every = domain.settings, domain.jobs, domain.schedules.every
    fan_out = FanOut(domain.streams, domain.presence, domain.clock)
    # people wait for what is new: it goes before the looking for more
    jobs.register(FAN_OUT, fan_out.run, priority=2, max_attempts=20)
    jobs.register(TELL, fan_out.tell_named, priority=1, max_attempts=20)
    jobs.register(SHOW_REACTIONS, domain.communities.reactions.show, priority=1, max_attempts=20)
    jobs.register(TELL_COUNTS, domain.communities.discussions.counts.run, priority=COUNTS_PRIORITY, max_attempts=20)
    jobs.register(DESK, domain.communities.desk.tell, priority=3, max_attempts=20)
    jobs.register(PURGE, domain.communities.purges.run, priority=4, max_attempts=20)
    jobs.register(POLL, domain.poller.run, priority=5, timeout_s=900)
    for kind, looking in (
        (PREVIEW, Previewing(domain.streams, domain.previews)),
        (POST_PREVIEW, PostPreviewing(domain.streams, domain.previews)),
    ):
        jobs.register(kind, looking.run, priority=PRIORITY, max_attempts=TRIES, timeout_s=60)
    jobs.register(SHOW_VOTES, domain.parties.queue.show_votes, priority=1, max_attempts=20)
    jobs.register(REMIND, domain.parties.reminders.run, priority=1, max_attempts=20)
    domain.personal.register(jobs)
    every(settings.sweep_interval, POLL)
    jobs.register(PACK, work_packing, priority=4, timeout_s=900)
    every(PACK_EVERY, PACK)

    trimmer = Trimmer(domain.clock)

    async def measure() -> None:
        await domain.operator.summary()

    async def clear_up() -> None:
        removed = {
            "events": await trimmer.trim(),
            "receipts": await trimmer.drop_old_receipts(),
            "notifications": await domain.notifications.purge(),
            "sessions": await domain.accounts.sessions.purge(),
            "previews": await domain.previews.purge(),
            "exports": await domain.personal.exports.expire(),
            "held messages": await domain.communities.held.give_up_old(),
            "held posts": await domain.communities.discussions.held.give_up_old(),
            "watch parties": await domain.parties.parties.end_abandoned(),
            "jobs": await domain.operator.purge(KEEP_DONE),
        }
        if any(removed.values()):
            log.info("cleared up", **removed)

    every(MEASURE_EVERY, measure, "measure the queue")
    every(HOUR, clear_up, "clear up")
