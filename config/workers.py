"""Several server processes on one port: ``serve --workers N``."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import orjson
import structlog

from config.ports import held
from config.refusal import Refusal
from config.settings import Settings
from config.signals import on_signals
from config.supervisor import Supervisor
from mypick.operations.siblings import Place, answers, bury

log = structlog.get_logger("supervisor")

LONGEST_FOLDER = 85  # bytes: a Unix socket's path has at most 107, and its name here up to 20


async def supervise(settings: Settings) -> int:
    """Keep the workers running until SIGTERM or SIGINT; SIGHUP replaces them, one after the other."""
    with held(settings.app_host, settings.app_port) as port, private_folder() as folder:

        def command(number: int) -> list[str]:
            # the interpreter with its options, and the arguments as they were given; what comes last wins
            settled = ["--port", str(port), "--workers", str(settings.workers)]
            return [sys.executable, *sys.orig_argv[1:], *settled, "--worker", str(number), "--folder", folder]

        def on_open() -> None:
            # the first line of output is for programs that start this one
            print(orjson.dumps({"event": "listening", "port": port}).decode(), flush=True)
            log.info("listening", port=port, url=settings.app_url, workers=settings.workers)
            if settings.work_in_server != "yes":
                log.info("background jobs are done elsewhere: start `python run.py worker` too")

        supervisor = Supervisor(
            settings.workers,
            command,
            on_open=on_open,
            on_end=functools.partial(bury, Path(folder)),
            answers=functools.partial(answers, Path(folder)),
        )
        on_signals(
            {
                signal.SIGTERM: supervisor.stop,
                signal.SIGINT: supervisor.stop,
                signal.SIGHUP: supervisor.restart,
            }
        )
        return 0 if await supervisor.run() else 1


@contextlib.contextmanager
def private_folder() -> Iterator[str]:
    """Of this user alone, for what the workers tell each other."""
    try:
        made = tempfile.TemporaryDirectory(prefix="mypick-")
    except OSError as failure:  # a container that may write nowhere
        raise Refusal(f"no temporary folder can be made ({failure.strerror}): set TMPDIR to one") from failure
    with made as folder:
        if len(os.fsencode(folder)) > LONGEST_FOLDER:
            raise Refusal(
                f"the path of temporary files is longer than {LONGEST_FOLDER} bytes: set TMPDIR to a shorter one"
            )
        yield folder


def place_of(settings: Settings, number: int | None, folder: str | None) -> Place | None:
    """Where a process stands among others; None for one that stands alone."""
    return Place(number, settings.workers, Path(folder)) if number and folder else None
