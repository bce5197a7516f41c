"""Who watches on this node: sockets in parties, what is known here of those parties, and when a host was last heard.

Nothing here is the truth. The seats in the database are, which ``keeper`` keeps like this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from mypick.watchparty.lead import Delays
from mypick.watchparty.streams import HOST_CHANGED, TIMELINE, party_id_of
from mypick.watchparty.views import CurrentTimeline

Place = tuple[int, int]
"""A party and a person."""


@dataclass(slots=True, eq=False)
class Watched:
    """A party with people on this node."""

    sockets: Counter[int] = field(default_factory=Counter)  # by person
    host_id: int | None = None
    heard_ms: float | None = None  # when a socket of the host's here last answered
    seq: int = 0  # of the newest timeline that is known here
    status: str = ""
    effective_at_ms: int = 0
    over: bool = False  # the party has ended: what comes after is of no use to anybody
    delays: Delays | None = None
    elsewhere: list[int] = field(default_factory=list)  # counts of delays of other nodes


class Watchers:
    """``joined`` and ``left`` are called once for each socket and never wait."""

    def __init__(self) -> None:
        self.parties: dict[int, Watched] = {}  # bound: parties with sockets here
        self.going: set[Place] = set()  # who has no socket here any more; the keeper writes it down
        self._coming: Counter[Place] = Counter()

    def joined(self, stream: str, user_id: int) -> None:
        if (party_id := party_id_of(stream)) is not None:
            self.parties.setdefault(party_id, Watched()).sockets[user_id] += 1
            self.going.discard((party_id, user_id))

    def left(self, stream: str, user_id: int) -> None:
        """Who was not there is no error."""
        party_id = party_id_of(stream)
        watched = self.parties.get(party_id) if party_id is not None else None
        if party_id is None or watched is None or user_id not in watched.sockets:
            return
        watched.sockets[user_id] -= 1
        if watched.sockets[user_id] == 0:
            del watched.sockets[user_id]
            self.going.add((party_id, user_id))
            if not watched.sockets:
                del self.parties[party_id]

    def coming(self, party_id: int, user_id: int) -> None:
        """Somebody is being let in: what was seen of their last socket's going is no news any more."""
        self._coming[party_id, user_id] += 1

    def came(self, party_id: int, user_id: int) -> None:
        """It was let in, or refused."""
        place = (party_id, user_id)
        self._coming[place] -= 1
        if not self._coming[place]:
            del self._coming[place]
            if not self.here(*place):
                self.going.add(place)

    def here(self, party_id: int, user_id: int) -> bool:
        """Whether a socket of theirs is in the party on this node, or on its way in."""
        watched = self.parties.get(party_id)
        return (watched is not None and user_id in watched.sockets) or (party_id, user_id) in self._coming

    def heard(self, stream: str, user_id: int, now_ms: float) -> None:
        """A socket of somebody's has answered."""
        party_id = party_id_of(stream)
        watched = self.parties.get(party_id) if party_id is not None else None
        if watched is not None and watched.host_id == user_id:
            watched.heard_ms = now_ms

    def hosts(self, streams: Iterable[str], user_id: int) -> bool:
        """Whether somebody is the host of one of these parties."""
        for stream in streams:
            party_id = party_id_of(stream)
            if party_id is not None and (watched := self.parties.get(party_id)) and watched.host_id == user_id:
                return True
        return False

    def measured(self, stream: str, one_way_ms: float, now_ms: float) -> None:
        """A delay between this node and somebody in the party."""
        party_id = party_id_of(stream)
        watched = self.parties.get(party_id) if party_id is not None else None
        if watched is not None:
            if watched.delays is None:
                watched.delays = Delays(now_ms)
            watched.delays.observe(one_way_ms, now_ms)

    def saw(self, stream: str, kind: str, seq: int, data: dict[str, Any]) -> None:
        """An event of a party is on its way to those here."""
        party_id = party_id_of(stream)
        watched = self.parties.get(party_id) if party_id is not None else None
        if watched is None:
            return
        if kind == TIMELINE and seq > watched.seq:
            watched.seq, watched.status = seq, data["status"]
            watched.effective_at_ms = data["effective_at_ms"]
            watched.over = data["reason"] == "party-ended"
        elif kind == HOST_CHANGED:
            watched.host_id, watched.heard_ms = data["host_id"], None

    def know(self, stream: str, host_id: int | None, timeline: CurrentTimeline) -> None:
        """What somebody was shown who has come."""
        party_id = party_id_of(stream)
        watched = self.parties.get(party_id) if party_id is not None else None
        if watched is not None:
            if watched.host_id is None:
                watched.host_id = host_id
            data = timeline.model_dump(include={"status", "effective_at_ms", "reason"})
            self.saw(stream, TIMELINE, timeline.seq, data)

    def people(self) -> int:
        return sum(len(watched.sockets) for watched in self.parties.values())
