"""``python -m demo``: the emulator with its creators, on its own. The first line of output is its address."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from random import Random
from typing import Any

from demo.content import populate
from demo.script import post_now_and_then
from demo.youtube import DAILY_QUOTA, DEFAULT_KEY, PlatformEmulator


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description="An emulator of YouTube with invented creators")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=4010, help="0 takes any free one (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same ids and titles (default: %(default)s)")
    parser.add_argument(
        "--every", type=float, default=20.0, help="seconds between posts, 0 for none (default: %(default)s)"
    )
    parser.add_argument("--api-key", default=DEFAULT_KEY, help="the key that is accepted (default: %(default)s)")
    parser.add_argument("--quota", type=int, default=DAILY_QUOTA, help="units a day (default: %(default)s)")
    parser.add_argument("--empty", action="store_true", help="begin without creators")
    return parser.parse_args()


def _tell(line: str) -> None:
    print(line, flush=True)


async def _serve(arguments: argparse.Namespace) -> None:
    rng = Random(arguments.seed)
    emulator = PlatformEmulator(
        seed=arguments.seed, api_keys=frozenset({arguments.api_key}), daily_quota=arguments.quota
    )
    creators = {} if arguments.empty else populate(emulator, rng)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no signal handlers on the loop; there Ctrl-C ends the run as KeyboardInterrupt
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        _tell(await emulator.start(arguments.host, arguments.port))
        for channel_id, creator in creators.items():
            _tell(f"  {emulator.feed_url}/@{creator.handle}  {channel_id}  {creator.name}")
        waits: list[asyncio.Task[Any]] = [asyncio.create_task(stopped.wait())]
        if creators and arguments.every > 0:
            story = post_now_and_then(
                emulator, creators, rng, every=arguments.every, jitter=arguments.every / 4, told=_tell
            )
            waits.append(asyncio.create_task(story))
        done, running = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for task in done:
            task.result()  # a story that fails ends the run, with its reason
    finally:
        await emulator.stop()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(_arguments()))
