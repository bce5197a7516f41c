"""One client in one namespace, and all of them on this node."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from mypick.accounts.actor import Actor

MAX_WAITING = 32  # commands of one client that wait their turn; one more is answered RATE_LIMITED


@dataclass(slots=True, eq=False)
class Connection:
    """A client that has shown who it is. Its commands run one at a time, in the order they came."""

    sid: str
    namespace: str
    actor: Actor
    address: str
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)  # fair: whoever came first runs first
    waiting: int = 0
    streams: set[str] = field(default_factory=set)  # joined, so to be left when it closes
    expiry: asyncio.TimerHandle | None = None
    opened: bool = False  # counted as here, so to be counted as gone
    evicted: bool = False  # told to go
    closed: bool = False


class Connections:
    """The connections of this node, found by client, user and session in O(1)."""

    def __init__(self) -> None:
        self._by_sid: dict[tuple[str, str], Connection] = {}
        self._by_session: defaultdict[int, set[Connection]] = defaultdict(set)
        self._by_key: defaultdict[int, set[Connection]] = defaultdict(set)
        self._by_user: defaultdict[int, set[Connection]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._by_sid)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._by_sid.values()))

    def add(self, conn: Connection) -> bool:
        """True if it is the first of its user here."""
        self._by_sid[conn.namespace, conn.sid] = conn
        if conn.actor.session_id is not None:
            self._by_session[conn.actor.session_id].add(conn)
        if conn.actor.key_id is not None:
            self._by_key[conn.actor.key_id].add(conn)
        self._by_user[conn.actor.user_id].add(conn)
        return len(self._by_user[conn.actor.user_id]) == 1

    def get(self, namespace: str, sid: str) -> Connection | None:
        return self._by_sid.get((namespace, sid))

    def remove(self, conn: Connection) -> bool:
        """True if it was the last of its user here."""
        self._by_sid.pop((conn.namespace, conn.sid), None)
        for index, key in (
            (self._by_session, conn.actor.session_id),
            (self._by_key, conn.actor.key_id),
            (self._by_user, conn.actor.user_id),
        ):
            if key is not None and key in index:
                index[key].discard(conn)
                if not index[key]:
                    del index[key]
        return conn.actor.user_id not in self._by_user

    def of_session(self, session_id: int) -> list[Connection]:
        return list(self._by_session.get(session_id, ()))

    def of_key(self, key_id: int) -> list[Connection]:
        return list(self._by_key.get(key_id, ()))

    def keys(self) -> list[int]:
        """Ids of the API keys that are in use here."""
        return list(self._by_key)

    def sessions(self) -> list[int]:
        return list(self._by_session)

    def users(self) -> list[int]:
        return list(self._by_user)
