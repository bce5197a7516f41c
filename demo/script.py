"""Something new now and then, so that a newcomer sees notifications arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random

from demo.content import Creator, compose_title
from demo.world import World

LIVE_SHARE = 0.12
SHORT_SHARE = 0.25
FAVOURITE_SHARE = 2 / 3
LIVE_LIMIT = 2  # streams at once; the oldest ends before a third begins


async def post_now_and_then(
    world: World,
    creators: Mapping[str, Creator],
    rng: Random,
    *,
    every: float = 20.0,
    jitter: float = 5.0,
    posts: int | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    told: Callable[[str], None] | None = None,
    favourites: Callable[[], Awaitable[Sequence[str]]] | None = None,
) -> None:
    """Publish every ``every`` ± ``jitter`` seconds, ``posts`` times or until cancelled.

    Mostly videos, some shorts, and now and then a stream, which ends after some of the next posts. ``told`` is called
    with one line for each. ``favourites`` names channels to prefer, two times of three: those that somebody watches.
    The same ``rng`` seed tells the same story.
    """
    streams: list[str] = []
    number = 0
    while posts is None or number < posts:
        await sleep(max(0.05, every + rng.uniform(-jitter, jitter)))
        number += 1
        channel_id = rng.choice(sorted(creators))
        if favourites is not None and rng.random() < FAVOURITE_SHARE:
            channel_id = rng.choice(sorted(await favourites()) or [channel_id])
        if channel_id not in creators:
            continue
        if channel_id not in world.channels:  # removed by whoever drives the emulator
            continue
        line = _post(world, channel_id, creators[channel_id], number, rng, streams)
        if told is not None:
            told(line)


def _post(world: World, channel_id: str, creator: Creator, number: int, rng: Random, streams: list[str]) -> str:
    dice = rng.random()
    number += world.channel(channel_id).made
    if dice < LIVE_SHARE:
        if len(streams) >= LIVE_LIMIT:
            _end(world, streams.pop(0))
        title = compose_title(creator.streams, number, rng)
        streams.append(world.go_live(channel_id, title))
        return f"{creator.name} is live: {title}"
    if streams and rng.random() < 0.3:
        _end(world, streams.pop(0))
    if dice < LIVE_SHARE + SHORT_SHARE:
        title = compose_title(creator.shorts, number, rng)
        world.publish(channel_id, title, kind="short", description=creator.description)
    else:
        title = compose_title(creator.titles, number, rng)
        world.publish(channel_id, title, description=creator.description, duration_s=rng.randint(240, 2_700))
    return f"{creator.name}: {title}"


def _end(world: World, video_id: str) -> None:
    video = world.videos.get(video_id)
    if video is not None and video.live == "live":  # else somebody ended or removed it
        world.end_live(video_id)
