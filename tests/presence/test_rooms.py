"""How many are in a room: counts against a model, and what nodes over a real Redis come to."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mypick.presence import Board, MemoryBoard, RoomPresence
from mypick.presence.rooms import EVERY
from tests.fakes import FakeClock

ROOMS = ["room:1", "room:2"]
NAMED = 3  # people whom a node names
STEP = 0.1  # seconds between two ticks, as the loop has them while something is due
WITHIN = 10.0  # seconds in which everybody knows of a change, or of a death


class Model:
    """Nodes over one board, driven by hand. ``loses`` says how many of 10 announcements are lost."""

    def __init__(self, clock: FakeClock, board: Board, nodes: int, *, loses: int = 0) -> None:
        self.clock, self.loses, self._random = clock, loses, Random(1)
        self.sockets: list[defaultdict[str, Counter[int]]] = [defaultdict(Counter) for _ in range(nodes)]
        self.told: list[dict[str, list[tuple[float, int]]]] = [defaultdict(list) for _ in range(nodes)]
        self.nodes = [
            RoomPresence(board, clock, node=f"n{number}", announce=self._announce(number), named=NAMED)
            for number in range(nodes)
        ]
        self.living = set(range(nodes))

    def _announce(self, sender: int):  # type: ignore[no-untyped-def]
        async def announce(moved: Collection[str]) -> None:
            for number in self.living - {sender}:
                for room in moved:
                    if self._random.randrange(10) >= self.loses:
                        self.nodes[number].moved(room)

        return announce

    def join(self, number: int, room: str, user_id: int) -> None:
        if number in self.living:
            self.sockets[number][room][user_id] += 1
            self.nodes[number].joined(room, user_id)

    def crowd(self, number: int, room: str) -> None:
        for user_id in range(1, 6):
            self.join(number, room, user_id)

    def leave(self, number: int, room: str, user_id: int) -> None:
        if number in self.living and self.sockets[number][room][user_id]:
            self.sockets[number][room][user_id] -= 1
            self.nodes[number].left(room, user_id)

    def die(self, number: int) -> None:
        self.living.discard(number)

    async def advance(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP)):
            self.clock.advance(STEP)
            for number in sorted(self.living):
                await self.nodes[number].tick(self._tell(number))

    def _tell(self, number: int):  # type: ignore[no-untyped-def]
        async def tell(room: str, online: int) -> None:
            self.told[number][room].append((self.clock.monotonic(), online))

        return tell

    def people(self, number: int, room: str) -> set[int]:
        return {user_id for user_id, sockets in self.sockets[number][room].items() if sockets}

    def expected(self, room: str) -> int:
        crowds = [self.people(number, room) for number in self.living]
        named = set().union(*(crowd for crowd in crowds if len(crowd) <= NAMED))
        return len(named) + sum(len(crowd) for crowd in crowds if len(crowd) > NAMED)

    async def assert_right(self) -> None:
        for room in ROOMS:
            for number in self.living:
                assert await self.nodes[number].count(room) == self.expected(room)
                if self.people(number, room):
                    assert self.told[number][room][-1][1] == self.expected(room), "the last state is told"

    def assert_spaced(self) -> None:
        for told in self.told:
            for events in told.values():
                times = [at for at, _ in events]
                assert all(later - earlier >= EVERY - 1e-6 for earlier, later in pairwise(times))


_steps = st.lists(
    st.one_of(
        st.tuples(st.just("join"), st.integers(0, 2), st.sampled_from(ROOMS), st.integers(1, 6)),
        st.tuples(st.just("leave"), st.integers(0, 2), st.sampled_from(ROOMS), st.integers(1, 6)),
        st.tuples(st.just("crowd"), st.integers(0, 2), st.sampled_from(ROOMS)),
        st.tuples(st.just("die"), st.integers(0, 2)),
        st.tuples(st.just("advance"), st.sampled_from([0.1, 0.5, 2.0, 7.0])),
    ),
    max_size=40,
)


@given(steps=_steps)
@settings(max_examples=150, deadline=None)
def test_counts_are_those_of_a_model_ten_seconds_after_whatever_happened(steps: list[tuple[str, ...]]) -> None:
    asyncio.run(_follow(steps, loses=0, within=WITHIN))


@given(steps=_steps)
@settings(max_examples=30, deadline=None)
def test_where_half_of_the_announcements_are_lost_it_takes_a_minute(steps: list[tuple[str, ...]]) -> None:
    asyncio.run(_follow(steps, loses=5, within=66))


async def _follow(steps: list[tuple[str, ...]], *, loses: int, within: float) -> None:
    clock = FakeClock()
    model = Model(clock, MemoryBoard(clock), 3, loses=loses)
    await model.advance(STEP)
    for what, *arguments in steps:
        result = getattr(model, what)(*arguments)
        if asyncio.iscoroutine(result):
            await result
    await model.advance(within)
    await model.assert_right()
    model.assert_spaced()


async def test_a_storm_of_joins_makes_one_event_in_two_seconds_and_the_last_state_is_told(clock: FakeClock) -> None:
    model = Model(clock, MemoryBoard(clock), 2)
    model.join(1, "room:1", 1)
    await model.advance(3)
    for user_id in range(2_000):
        model.join(0, "room:1", user_id)
        if user_id % 50 == 0:
            await model.advance(STEP)
    await model.advance(WITHIN)
    await model.assert_right()
    model.assert_spaced()
    assert 2 <= len(model.told[0]["room:1"]) <= 4  # the storm took 4 s
    assert model.told[1]["room:1"][-1][1] == 2_001  # one node names and the other does not: 1 counts twice


async def test_who_is_told_of_nothing_new_is_not_told(clock: FakeClock) -> None:
    model = Model(clock, MemoryBoard(clock), 2)
    model.join(0, "room:1", 1)
    await model.advance(3)
    model.leave(0, "room:1", 1)
    model.join(0, "room:1", 2)
    await model.advance(200)
    assert [online for _, online in model.told[0]["room:1"]] == [1]
    assert model.told[1] == {}


async def test_a_node_that_was_only_slow_is_counted_again(clock: FakeClock) -> None:
    model = Model(clock, MemoryBoard(clock), 2)
    model.join(0, "room:1", 1)
    model.join(1, "room:1", 2)
    await model.advance(3)
    model.die(0)
    await model.advance(WITHIN)
    assert model.told[1]["room:1"][-1][1] == 1
    model.living.add(0)
    await model.advance(WITHIN)
    await model.assert_right()


class CutOff:
    """A board that cannot be reached."""

    async def beat(self, _: str) -> object:
        raise ConnectionError

    async def write(self, _: str, __: object) -> object:
        raise ConnectionError

    async def read(self, _: object) -> object:
        raise ConnectionError


async def test_who_left_while_their_node_was_cut_off_is_counted_no_more(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model(clock, MemoryBoard(clock), 2)
    model.join(0, "room:1", 1)
    model.join(1, "room:1", 2)
    await model.advance(3)
    with monkeypatch.context() as cut:
        cut.setattr(model.nodes[0], "_board", CutOff())
        await model.advance(2)
        model.leave(0, "room:1", 1)
        await model.advance(WITHIN)
    await model.advance(150)  # a look at everything is due each minute
    await model.assert_right()


async def test_when_messages_may_have_been_lost_all_is_read_again_at_once(clock: FakeClock) -> None:
    model = Model(clock, MemoryBoard(clock), 2, loses=10)
    model.join(0, "room:1", 1)
    model.join(1, "room:1", 2)
    await model.advance(3)
    model.join(0, "room:1", 3)
    await model.advance(3)
    assert await model.nodes[1].count("room:1") == 2
    for node in model.nodes:
        node.look_again()
    await model.advance(3)
    await model.assert_right()


async def test_the_first_who_come_to_a_room_ask_the_board_together(clock: FakeClock) -> None:
    asked: list[Collection[str]] = []

    class Counted(MemoryBoard):
        async def read(self, wanted: Collection[str]):  # type: ignore[no-untyped-def]
            asked.append(wanted)
            return await super().read(wanted)

    model = Model(clock, Counted(clock), 2)
    await model.advance(STEP)
    model.join(0, "room:1", 1)
    await model.advance(1)
    asked.clear()
    for user_id in range(2, 50):
        model.join(1, "room:1", user_id)
    assert set(await asyncio.gather(*(model.nodes[1].count("room:1") for _ in range(50)))) == {49}
    assert asked == [["room:1"]]
    await model.advance(1)
    asked.clear()
    assert await model.nodes[1].count("room:1") == 49
    assert asked == []
