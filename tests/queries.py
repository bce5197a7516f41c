"""What a piece of code asks of the database: counting its statements, and a power cut before any of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from tortoise.log import db_client_logger


class Killed(BaseException):
    """The process is gone: nothing above may catch it and go on."""


class _Statements(logging.Handler):
    """Tortoise names every statement in its log before it sends it. BEGIN, COMMIT and ROLLBACK are not among them,
    and an ``executemany`` is one."""

    def __init__(self, kill_at: int | None) -> None:
        super().__init__(logging.DEBUG)
        self.seen: list[str] = []
        self._kill_at = kill_at

    def emit(self, record: logging.LogRecord) -> None:
        text = str(record.args[0]) if isinstance(record.args, tuple) and record.args else record.getMessage()
        if self._kill_at is not None and len(self.seen) + 1 >= self._kill_at:
            raise Killed  # now and at every later statement: the dead say nothing
        self.seen.append(text)


@contextmanager
def _watched(kill_at: int | None) -> Iterator[list[str]]:
    handler, before = _Statements(kill_at), (db_client_logger.level, db_client_logger.propagate)
    db_client_logger.addHandler(handler)
    db_client_logger.setLevel(logging.DEBUG)
    db_client_logger.propagate = False
    try:
        yield handler.seen
    finally:
        db_client_logger.removeHandler(handler)
        db_client_logger.setLevel(before[0])
        db_client_logger.propagate = before[1]


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are sent inside, in order."""
    with _watched(None) as seen:
        yield seen


@contextmanager
def power_cut(before_statement: int) -> Iterator[None]:
    """``Killed`` in place of the ``before_statement``-th statement (from 1) and of all after it.

    What another process can see changes only by a commit, and every commit lies between two statements, or behind the
    last. So power cuts before each statement in turn, and none, are all the crashes that there are.
    """
    with _watched(before_statement):
        yield
