"""How long a task may take, one timer of the loop for all tasks.

``asyncio.timeout`` enters a timer into the loop and takes it out again each time: 19 us beside 2.4 here, and 8 % of the
CPU of a reconnect storm. All of these have the same time, so whoever began first is due first: one timer is enough.
"""

from __future__ import annotations

import asyncio
from types import TracebackType


class Patience:
    """With ``with patience.here():`` what a task does there is cancelled after ``seconds``, and becomes a TimeoutError.

    A cancellation from elsewhere passes through unchanged. Bound: an entry for each task that is in there.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: dict[_Stay, None] = {}  # in the order in which they are due
        self._timer: asyncio.TimerHandle | None = None  # set while somebody is in there, and until it is due

    def here(self) -> _Stay:
        """For one use, by the task that asks."""
        return _Stay(self)

    def _enter(self, stay: _Stay) -> None:
        loop = asyncio.get_running_loop()
        stay.due = loop.time() + self._seconds
        self._waiting[stay] = None
        if self._timer is None:
            self._timer = loop.call_at(stay.due, self._look, loop)

    def _leave(self, stay: _Stay) -> None:
        self._waiting.pop(stay, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        while self._waiting:
            stay = next(iter(self._waiting))
            if stay.due > now:
                self._timer = loop.call_at(stay.due, self._look, loop)
                return
            del self._waiting[stay]
            stay.give_up()


class _Stay:
    __slots__ = ("_cancelled_before", "_given_up", "_patience", "_task", "due")

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._given_up = False
        self.due = 0.0  # seconds of the loop's clock

    def give_up(self) -> None:
        self._given_up = True
        self._task.cancel()

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task has patience")
        self._task = task
        self._cancelled_before = task.cancelling()
        self._patience._enter(self)

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, _: TracebackType | None
    ) -> None:
        self._patience._leave(self)
        if not self._given_up:
            return
        # somebody else who cancelled it too is not to be swallowed
        alone = self._task.uncancel() <= self._cancelled_before
        if alone and isinstance(problem, asyncio.CancelledError):
            raise TimeoutError from problem
