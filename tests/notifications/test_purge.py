"""Old notifications go when they were read, and only then."""

from __future__ import annotations

import random
from datetime import timedelta

from mypick.bus.memory import MemoryBus
from mypick.db import Database
from mypick.ids import Ids
from mypick.metrics import Metrics
from mypick.notifications.models import Notification
from mypick.notifications.service import KEEP_READ, Notifications
from mypick.streams import Streams
from tests.fakes import FakeClock
from tests.streams.nodes import nobody


async def test_what_was_read_long_ago_goes_and_what_is_unread_stays(database: Database, clock: FakeClock) -> None:
    streams = Streams(
        bus=MemoryBus(),
        ids=Ids(),
        clock=clock,
        people=nobody,
        node="a",
        rng=random.Random(1),
        metrics=Metrics.unread(),
    )
    notifications = Notifications(streams, clock)
    long_ago = clock.now() - KEEP_READ - timedelta(seconds=1)
    for seq, read_at in enumerate([long_ago, clock.now(), None], start=1):
        await Notification.create(
            id=seq, notice_id=seq, user_id=1, seq=seq, created_at=long_ago, read_at=read_at
        )
    assert await notifications.purge() == 1
    assert [row.seq for row in await Notification.all().order_by("seq")] == [2, 3]
