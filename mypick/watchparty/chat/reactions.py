"""Reactions of all in a party: gathered on each node, added up over all nodes, told at most four times a second.

A node counts what its own people react with, and each 250 ms tells the other nodes with people in the party what came
since. What it hears from them it adds to its own, and tells its people once in that time. So a guest is sent at most
four events a second however many react and however many nodes there are; what one node counts is seen on the others
within half a second. Nothing of it is kept: what the bus loses was a cheer.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import orjson
import structlog

from mypick.accounts.actor import Actor
from mypick.errors import Code, DomainError
from mypick.streams import Frame, Streams
from mypick.watchparty.chat.commands import ReactToParty
from mypick.watchparty.streams import REACTIONS, party_id_of, party_stream
from mypick.watchparty.watchers import Watchers

log = structlog.get_logger(__name__)

EVERY = 0.25  # seconds
MAX_KINDS = 30  # of one party in one time; more of one kind is only a larger number
MAX_COUNT = 1_000_000  # of one kind from one other node: no node has more people
PART = "reactions-part"  # what nodes tell each other on the stream of a party


class PartyReactions:
    """``node`` names this process on the bus."""

    def __init__(self, streams: Streams, watchers: Watchers, *, node: str) -> None:
        self._streams = streams
        self._watchers = watchers
        self._node = node
        self._own: dict[str, Counter[str]] = {}  # by stream; bound: parties with people here
        self._heard: dict[str, Counter[str]] = {}  # as above
        self._news = asyncio.Event()

    def react(self, actor: Actor, command: ReactToParty) -> None:
        """Count a reaction. Waits for nothing. ``GONE`` once this node has told that the party is over."""
        watched = self._watchers.parties.get(command.party_id)
        if watched is None or actor.user_id not in watched.sockets:
            raise DomainError(Code.NOT_MEMBER, "join the party first")
        if watched.over:
            raise DomainError(Code.GONE, "this party is over: open a new one")
        _add(self._own.setdefault(party_stream(command.party_id), Counter()), command.emoji, 1)
        self._news.set()

    def heard(self, frame: Frame) -> None:
        """Another node tells what its people reacted with. What no node of ours would say is passed over."""
        party_id = party_id_of(frame.stream)
        if frame.node == self._node or party_id is None or party_id not in self._watchers.parties:
            return
        try:
            counts = {str(emoji): int(count) for emoji, count in orjson.loads(frame.body).items()}
        except (orjson.JSONDecodeError, AttributeError, TypeError, ValueError):
            return
        mine = self._heard.setdefault(frame.stream, Counter())
        for emoji, count in counts.items():
            _add(mine, emoji, max(0, min(count, MAX_COUNT)))
        self._news.set()

    async def run(self) -> None:
        """Tell what comes, for as long as the process lives."""
        while True:
            await self._news.wait()
            await asyncio.sleep(EVERY)
            try:
                await self.tick()
            except Exception as failure:
                log.warning("reactions were not told", error=repr(failure)[:200])

    async def tick(self) -> None:
        """Tell what came since the last time: to the other nodes what is of here, to the people here all of it."""
        self._news.clear()
        own, self._own = self._own, {}
        heard, self._heard = self._heard, {}
        await self._streams.pass_on(PART, {stream: orjson.dumps(counts) for stream, counts in own.items()})
        for stream in {**own, **heard}:
            counts = own.get(stream, Counter())
            for emoji, count in heard.get(stream, {}).items():
                _add(counts, emoji, count)
            body = {"party_id": party_id_of(stream), "counts": counts}
            self._streams.tell_here(stream, REACTIONS, body)


def _add(counts: Counter[str], emoji: str, count: int) -> None:
    if emoji in counts or len(counts) < MAX_KINDS:
        counts[emoji] += count
