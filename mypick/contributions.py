"""What every feature says of the people in its tables. A feature that holds people's data stands in this list."""

from __future__ import annotations

from collections.abc import Sequence

from mypick.accounts import personal as accounts
from mypick.accounts.service import ERASED_NAME
from mypick.community.entry import personal as ways_in
from mypick.community.service import Communities
from mypick.creators import personal as creators
from mypick.notifications import personal as notifications
from mypick.personal.contribution import Contribution
from mypick.streams import Streams
from mypick.streams import personal as streams_
from mypick.watchparty.service import WatchParties


def contributions(streams: Streams, communities: Communities, parties: WatchParties) -> Sequence[Contribution]:
    """In the order in which a person is erased: what others see goes first."""
    return [
        accounts.contribution(),
        communities.data.contribution(),
        communities.discussions.data.contribution(),
        ways_in.contribution(),
        parties.data.contribution(),
        notifications.contribution(streams, ERASED_NAME),
        creators.contribution(),
        streams_.contribution(),
    ]
