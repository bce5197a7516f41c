"""What an operator, a supervisor or a terminal tells a process."""

from __future__ import annotations

import asyncio
import contextlib
import signal

import structlog

log = structlog.get_logger("run")


async def stop_signal() -> None:
    """Returns when the process shall end."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C ends the run as KeyboardInterrupt
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
    log.info("stopping")
