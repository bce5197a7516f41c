"""What an operator, a supervisor or a terminal tells a process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping

import structlog

log = structlog.get_logger("run")


def on_signals(heard: Mapping[signal.Signals, Callable[[], None]]) -> None:
    """Call what is named for each signal, in the loop."""
    for number, call in heard.items():
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C ends the run as KeyboardInterrupt
            asyncio.get_running_loop().add_signal_handler(number, call)


async def stop_signal(*, supervised: bool = False) -> None:
    """Returns when the process shall end; a ``supervised`` one ends with its supervisor too, which holds the other end
    of its input."""
    stopped = asyncio.Event()
    on_signals({signal.SIGINT: stopped.set, signal.SIGTERM: stopped.set})
    if supervised:
        loop, there = asyncio.get_running_loop(), sys.stdin.fileno()

        def read() -> None:
            if not os.read(there, 1_024):
                loop.remove_reader(there)
                stopped.set()

        loop.add_reader(there, read)
    await stopped.wait()
    log.info("stopping")
