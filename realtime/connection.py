"""One client in one namespace, as the namespaces know it, and all of them on this node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mypick.accounts.actor import Actor

if TYPE_CHECKING:
    from realtime.engine.member import Member
    from realtime.membership import Entry
    from realtime.namespace import Namespace


class Connection:
    """A client that has shown who it is."""

    __slots__ = (
        "actor",
        "closed",
        "deadline",
        "entry",
        "evicted",
        "member",
        "noticed",
        "opened",
        "owner",
        "since",
        "streams",
    )

    def __init__(self, member: Member, owner: Namespace, actor: Actor, since: float) -> None:
        self.member = member
        self.owner = owner
        self.actor = actor
        self.since = since  # monotonic seconds
        self.streams: list[str] = []  # joined, so to be left when it closes; bound: as its rooms
        self.entry: Entry | None = None  # into the stream that it is being let into
        self.deadline = 0  # tick of the engine's wheel: of the notice that its token ends, then of the end; 0 for none
        self.noticed = False
        self.opened = False  # counted as here, so to be counted as gone
        self.evicted = False  # told to go
        self.closed = False

    @property
    def sid(self) -> str:
        return self.member.sid

    @property
    def namespace(self) -> str:
        return self.member.namespace

    @property
    def address(self) -> str:
        return self.member.session.address

    def on_tick(self, tick: int) -> None:
        """The wheel calls: the token may be about to end."""
        if not self.closed and self.deadline and tick >= self.deadline:
            self.owner.token_ends(self)


ENDED_KNOWN = 10_000  # sessions that ended last, and people put out; letting somebody in takes ms: all are in time


class _Index:
    """Connections by a number. Most numbers have one, and a set for each would cost 200 bytes."""

    def __init__(self) -> None:
        self._found: dict[int, Connection | set[Connection]] = {}

    def __contains__(self, number: int) -> bool:
        return number in self._found

    def __iter__(self) -> Iterator[int]:
        return iter(list(self._found))

    def add(self, number: int, conn: Connection) -> None:
        there = self._found.get(number)
        if there is None:
            self._found[number] = conn
        elif isinstance(there, set):
            there.add(conn)
        elif there is not conn:
            self._found[number] = {there, conn}

    def remove(self, number: int, conn: Connection) -> None:
        there = self._found.get(number)
        if isinstance(there, set):
            there.discard(conn)
            if not there:
                del self._found[number]
        elif there is conn:
            del self._found[number]

    def of(self, number: int) -> list[Connection]:
        there = self._found.get(number)
        if there is None:
            return []
        return list(there) if isinstance(there, set) else [there]


class Connections:
    """The connections of this node, found by user, session and key in O(1)."""

    def __init__(self) -> None:
        self._all: set[Connection] = set()
        self._by_session, self._by_key, self._by_user = _Index(), _Index(), _Index()
        self._ended: dict[int, None] = {}
        self._put_out: dict[int, int] = {}
        self.puttings_out = 0  # so far: what came after a look at somebody is told by it

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._all))

    def add(self, conn: Connection) -> None:
        self._all.add(conn)
        for index, number in self._places(conn):
            index.add(number, conn)

    def remove(self, conn: Connection) -> None:
        """Who is not here is no error."""
        self._all.discard(conn)
        for index, number in self._places(conn):
            index.remove(number, conn)

    def of_user(self, user_id: int) -> list[Connection]:
        return self._by_user.of(user_id)

    def of_session(self, session_id: int) -> list[Connection]:
        return self._by_session.of(session_id)

    def of_key(self, key_id: int) -> list[Connection]:
        return self._by_key.of(key_id)

    def session_ended(self, session_id: int) -> list[Connection]:
        """Its connections. From now on nobody comes in with it, however long ago its token was looked at."""
        self._ended[session_id] = None
        if len(self._ended) > ENDED_KNOWN:
            del self._ended[next(iter(self._ended))]
        return self.of_session(session_id)

    def has_ended(self, session_id: int | None) -> bool:
        """Whether it is known here that the session has ended; most that have are not known any more."""
        return session_id in self._ended

    def put_out(self, user_id: int) -> list[Connection]:
        """A person's connections. Whoever is being let in at this moment is to be refused, too."""
        self.puttings_out += 1
        self._put_out.pop(user_id, None)  # to come last again
        self._put_out[user_id] = self.puttings_out
        if len(self._put_out) > ENDED_KNOWN:
            del self._put_out[next(iter(self._put_out))]
        return self.of_user(user_id)

    def was_put_out(self, user_id: int, since: int) -> bool:
        """Whether the person was put out after ``since``, a former ``puttings_out``."""
        return self._put_out.get(user_id, 0) > since

    def keys(self) -> list[int]:
        """Ids of the API keys that are in use here."""
        return list(self._by_key)

    def sessions(self) -> list[int]:
        return list(self._by_session)

    def users(self) -> list[int]:
        return list(self._by_user)

    def _places(self, conn: Connection) -> list[tuple[_Index, int]]:
        actor = conn.actor
        places = [(self._by_user, actor.user_id)]
        if actor.session_id is not None:
            places.append((self._by_session, actor.session_id))
        if actor.key_id is not None:
            places.append((self._by_key, actor.key_id))
        return places
