from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from random import Random

import aiohttp

from demo.content import CREATORS, PAST_VIDEOS, populate
from demo.script import LIVE_LIMIT, post_now_and_then
from demo.talk import PAST, talk_on
from demo.world import World
from tests.fakes import FakeClock

ROOT = Path(__file__).resolve().parents[2]


def test_a_dozen_creators_have_a_past(clock: FakeClock) -> None:
    world = World(seed=1, now=clock.now)
    creators = populate(world, Random(1))
    assert len(creators) == 12
    assert {bool(any("가" <= letter <= "힣" for letter in creator.name)) for creator in creators.values()} == {
        True,
        False,
    }
    for channel_id in creators:
        channel = world.channels[channel_id]
        assert PAST_VIDEOS[0] <= len(channel.uploads) <= PAST_VIDEOS[1]
        assert all(video.published_at < clock.now() for video in channel.uploads)
        assert all("{" not in video.title for video in channel.uploads)


def test_the_same_seed_tells_the_same_past(clock: FakeClock) -> None:
    worlds = [World(seed=1, now=clock.now) for _ in range(2)]
    for world in worlds:
        populate(world, Random(5))
    assert worlds[0].videos == worlds[1].videos


def test_no_two_creators_share_a_handle() -> None:
    assert len({creator.handle.lower() for creator in CREATORS}) == len(CREATORS)


async def test_something_new_comes_now_and_then(clock: FakeClock) -> None:
    world = World(seed=1, now=clock.now)
    creators = populate(world, Random(1))
    before = set(world.videos)
    waits: list[float] = []
    live_at_once: list[int] = []
    told: list[str] = []

    async def sleep(seconds: float) -> None:
        live_at_once.append(sum(video.live == "live" for video in world.videos.values()))
        waits.append(seconds)
        clock.advance(seconds)

    await post_now_and_then(world, creators, Random(2), every=20, jitter=5, posts=200, sleep=sleep, told=told.append)
    new = [world.videos[video_id] for video_id in set(world.videos) - before]
    assert len(new) == len(told) == 200
    assert all(15 <= wait <= 25 for wait in waits)
    assert {video.kind for video in new} == {"video", "short", "live"}
    assert 0 < max(live_at_once) <= LIVE_LIMIT


async def test_the_command_says_its_address_first_and_stops_when_asked() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "demo",
        "--port",
        "0",
        "--every",
        "0",
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 30)
        address = line.decode().strip()
        assert address.startswith("http://127.0.0.1:")
        async with aiohttp.ClientSession() as session, session.get(f"{address}/_control/state") as response:
            assert len((await response.json())["channels"]) == 12
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_fans_talk_with_each_other_and_give_quiet_rooms_a_past() -> None:
    said: list[tuple[int, int, str, int | None]] = []
    reactions: list[int] = []
    slept: list[float] = []

    async def say(room: int, fan: int, text: str, reply_to: int | None) -> int | None:
        said.append((room, fan, text, reply_to))
        return None if len(said) % 7 == 0 else len(said)  # a moderator is against some

    async def react(fan: int, message: int, emoji: str) -> None:
        reactions.append(message)

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def empty(room: int) -> bool:
        return room == 1

    await talk_on([(1, True), (2, False)], Random(3), say=say, react=react, lines=60, empty=empty, sleep=sleep)
    assert [room for room, *_ in said[:PAST]] == [1] * PAST
    assert len(slept) == 60
    assert PAST + 20 < len(said) < PAST + 60
    assert reactions
    by_id = dict(enumerate(said, 1))
    for room, fan, _, reply_to in said:
        if reply_to is not None:
            assert by_id[reply_to][0] == room
            assert by_id[reply_to][1] != fan, "nobody answers themselves"
    assert any(reply_to for *_, reply_to in said)
