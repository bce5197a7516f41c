"""Frames on their way to the sockets: those of one stream go together, and none overtakes another of its stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mypick.streams import Frame
from mypick.streams.outbox import AT_ONCE, HELD, MAX_OUT_BYTES, TOGETHER, TOGETHER_BYTES, TOLD_AT_ONCE, Outbox


def frame(stream: str, seq: int, body: bytes = b"{}") -> Frame:
    return Frame(stream, "e", seq, "said", body, "node")


class Sockets:
    """Takes what it is handed when it is let."""

    def __init__(self) -> None:
        self.handed: list[Sequence[Frame]] = []
        self.open = asyncio.Event()

    async def take(self, frames: Sequence[Frame]) -> None:
        self.handed.append(frames)
        await self.open.wait()

    def seqs(self) -> list[list[int | None]]:
        return [[one.seq for one in frames] for frames in self.handed]


@pytest.fixture
async def sockets() -> Sockets:
    return Sockets()


@pytest.fixture
async def outbox(sockets: Sockets) -> AsyncIterator[Outbox]:
    box = Outbox(lambda _: None)
    running = asyncio.create_task(box.run(sockets.take))
    yield box
    running.cancel()


async def until_handed(sockets: Sockets, times: int) -> None:
    async with asyncio.timeout(5):
        while len(sockets.handed) < times:
            await asyncio.sleep(0)


async def test_what_comes_while_others_are_handed_over_goes_together(outbox: Outbox, sockets: Sockets) -> None:
    outbox.put(frame("room:1", 1))
    await until_handed(sockets, 1)
    for seq in (2, 3, 4):
        outbox.put(frame("room:1", seq))
    sockets.open.set()
    await outbox.flushed()
    assert sockets.seqs() == [[1], [2, 3, 4]]


async def test_streams_are_handed_over_apart_in_the_order_of_their_first_frames(
    outbox: Outbox, sockets: Sockets
) -> None:
    sockets.open.set()
    for stream, seq in (("b", 1), ("a", 1), ("b", 2), ("c", 1), ("a", 2)):
        outbox.put(frame(stream, seq))
    await outbox.flushed()
    assert [(frames[0].stream, len(frames)) for frames in sockets.handed] == [("b", 2), ("a", 2), ("c", 1)]


async def test_a_look_whether_all_is_handed_over_waits_for_what_goes_together(outbox: Outbox, sockets: Sockets) -> None:
    """Whoever enters a room enters it behind what was said before, and before what was said after."""
    for stream in "ab":
        outbox.put(frame(stream, 1))
    await until_handed(sockets, 1)  # both are taken, and the second is with nobody yet
    flushed = asyncio.create_task(outbox.flushed())
    await asyncio.sleep(0)
    outbox.put(frame("b", 2))
    assert not flushed.done()
    sockets.open.set()
    await flushed
    assert [(one.stream, one.seq) for frames in sockets.handed for one in frames][:2] == [("a", 1), ("b", 1)]
    await outbox.flushed()
    assert sockets.seqs() == [[1], [1], [2]]


async def test_who_enters_meanwhile_does_not_part_what_goes_together(outbox: Outbox, sockets: Sockets) -> None:
    """In a crowd somebody comes in all the time. Parted by each of them, messages would be written one by one again."""
    outbox.put(frame("room:1", 1))
    await until_handed(sockets, 1)
    entering: list[asyncio.Task[None]] = []
    for seq in (2, 3, 4):
        outbox.put(frame("room:1", seq))
        entering.append(asyncio.create_task(outbox.flushed()))
        await asyncio.sleep(0)
    sockets.open.set()
    await asyncio.gather(*entering)
    assert sockets.seqs() == [[1], [2, 3, 4]]


async def test_what_is_said_to_many_others_between_does_not_part_it(outbox: Outbox, sockets: Sockets) -> None:
    """A fan-out tells thousands of inboxes while a crowd talks."""
    outbox.put(frame("room:1", 1))
    await until_handed(sockets, 1)
    for seq in range(2, 6):
        outbox.put(frame("room:1", seq))
        for number in range(AT_ONCE // 5):
            outbox.put(frame(f"inbox:{seq}:{number}", 1))
    sockets.open.set()
    await outbox.flushed()
    said = [frames for frames in sockets.handed if frames[0].stream == "room:1"]
    assert [len(frames) for frames in said] == [1, 4]


async def test_no_more_of_a_stream_goes_together_than_may(outbox: Outbox, sockets: Sockets) -> None:
    sockets.open.set()
    for seq in range(2 * TOGETHER + 1):
        outbox.put(frame("room:1", seq))
    outbox.put(frame("room:2", 1))
    await outbox.flushed()
    assert [(frames[0].stream, len(frames)) for frames in sockets.handed] == [
        ("room:1", TOGETHER), ("room:1", TOGETHER), ("room:1", 1), ("room:2", 1)
    ]


async def test_many_who_wait_go_on_in_several_turns_of_the_loop(outbox: Outbox, sockets: Sockets) -> None:
    outbox.put(frame("room:1", 1))
    await until_handed(sockets, 1)
    entering = [asyncio.create_task(outbox.flushed()) for _ in range(5 * TOLD_AT_ONCE)]
    await asyncio.sleep(0)
    sockets.open.set()
    before, most = 0, 0
    async with asyncio.timeout(5):
        while before < len(entering):
            await asyncio.sleep(0)
            done = sum(task.done() for task in entering)
            before, most = done, max(most, done - before)
    assert most == TOLD_AT_ONCE


async def test_one_that_waits_no_more_keeps_nobody_waiting(outbox: Outbox, sockets: Sockets) -> None:
    outbox.put(frame("room:1", 1))
    await until_handed(sockets, 1)
    gone, stays = [asyncio.create_task(outbox.flushed()) for _ in range(2)]
    await asyncio.sleep(0)
    gone.cancel()
    sockets.open.set()
    async with asyncio.timeout(5):
        await stays


async def test_much_for_small_rooms_leaves_the_loop_to_others() -> None:
    """Handing over to a few members waits for nothing, so that nobody else would have a turn."""
    now, handed, turns = 0.0, 0, 0

    async def take(frames: Sequence[Frame]) -> None:
        nonlocal now, handed
        now += 0.001
        handed += len(frames)

    box = Outbox(lambda _: None, lambda: now)
    for number in range(1_000):
        box.put(frame(f"inbox:{number}", 1))
    running = asyncio.create_task(box.run(take))
    while handed < 1_000:
        await asyncio.sleep(0)
        turns += 1
    running.cancel()
    assert turns >= now / HELD / 2


def test_what_waits_is_bound_in_bytes_too() -> None:
    box = Outbox(lambda _: None)
    large = frame("room:1", 1, b"x" * (MAX_OUT_BYTES // 4))
    for _ in range(4):
        assert not box.full
        box.put(large)
    assert box.full


async def test_what_was_handed_over_counts_no_more(outbox: Outbox, sockets: Sockets) -> None:
    sockets.open.set()
    for seq in range(4):
        outbox.put(frame("room:1", seq, b"x" * (MAX_OUT_BYTES // 4)))
    await outbox.flushed()
    assert not outbox.full


async def test_large_ones_go_alone(outbox: Outbox, sockets: Sockets) -> None:
    """A client that does not read may be behind by one handing over more than it is cut for."""
    sockets.open.set()
    for seq in range(4):
        outbox.put(frame("room:1", seq, b"x" * (TOGETHER_BYTES // 2)))
    outbox.put(frame("room:1", 4, b"x" * (TOGETHER_BYTES * 2)))
    await outbox.flushed()
    assert sockets.seqs() == [[0, 1], [2, 3], [4]]


async def test_what_cannot_be_handed_over_keeps_nothing_else_up(sockets: Sockets) -> None:
    async def fail(frames: Sequence[Frame]) -> None:
        if frames[0].stream == "bad":
            raise ValueError("a body that nobody can read")
        await sockets.take(frames)

    sockets.open.set()
    box = Outbox(lambda _: None)
    running = asyncio.create_task(box.run(fail))
    for stream in ("bad", "good"):
        box.put(frame(stream, 1))
    await box.flushed()
    running.cancel()
    assert [frames[0].stream for frames in sockets.handed] == ["good"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=3 * TOGETHER))
def test_each_comes_once_and_in_the_order_of_its_stream(steps: Sequence[tuple[str, bool]]) -> None:
    """``True``: somebody asks at this point whether all before it is handed over."""

    async def play() -> None:
        sockets, put = Sockets(), dict[str, list[int]]()
        sockets.open.set()
        box = Outbox(lambda _: None)
        running = asyncio.create_task(box.run(sockets.take))
        for number, (stream, asks) in enumerate(steps):
            box.put(frame(stream, number))
            put.setdefault(stream, []).append(number)
            if asks:
                await box.flushed()
                assert sum(map(len, sockets.handed)) == number + 1
        await box.flushed()
        running.cancel()
        for stream, seqs in put.items():
            assert [one.seq for frames in sockets.handed for one in frames if one.stream == stream] == seqs
        assert max(map(len, sockets.handed), default=0) <= TOGETHER

    asyncio.run(play())
