"""Erasure: a person asks, some days pass in which logging in calls it off, then a job removes all that is theirs.

What was said stays as tombstones, so threads can be read; the number of the person stays behind as "deleted user", and
with it nothing that tells who that was.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import structlog
from tortoise.exceptions import IntegrityError

from mypick import db
from mypick.accounts.actor import Actor
from mypick.accounts.service import Accounts
from mypick.clock import Clock
from mypick.errors import Code, DomainError
from mypick.ids import Ids
from mypick.jobs.queue import Jobs
from mypick.jobs.work import Retry, Work
from mypick.personal.commands import EraseMe
from mypick.personal.contribution import Contribution, Step
from mypick.personal.models import Erasure
from mypick.personal.views import ErasureView

log = structlog.get_logger(__name__)

ERASE = "personal.erase"
# A node that lost the bus may believe a session for 30 s, and a command of it may wait 30 s for the database. After
# this nobody writes for the person any more, so what is erased then stays so.
SETTLE_S = 90.0

Disconnect = Callable[[int, Code, str], Awaitable[None]]
"""Puts out all sockets of a person on every node."""


async def call_off(user_id: int) -> None:
    """Somebody logs in who asked to be erased; inside the transaction that holds the user's row."""
    if await Erasure.filter(user_id=user_id, state="waiting").delete():
        log.info("an erasure was called off", user_id=user_id)


class _CalledOff(Exception):
    """A log-in was quicker: the transaction rolls back."""


class Erasures:
    """``grace``: how long one may think again."""

    def __init__(
        self,
        contributions: Sequence[Contribution],
        accounts: Accounts,
        disconnect: Disconnect,
        *,
        jobs: Jobs,
        clock: Clock,
        ids: Ids,
        grace: timedelta,
    ) -> None:
        self._contributions = contributions
        self._accounts = accounts
        self._disconnect = disconnect
        self._jobs = jobs
        self._clock = clock
        self._ids = ids
        self._grace = grace

    async def ask(self, actor: Actor, command: EraseMe) -> ErasureView:
        """Be erased after the time of grace. Ends all sessions: the next log-in calls it off. ``FORBIDDEN`` for a wrong
        password, ``CONFLICT`` for an admin, who lets another admin take the role first."""
        await self._accounts.confirm_password(actor, command.password)
        if actor.has_role("admin"):
            raise DomainError(Code.CONFLICT, "an admin is not erased: let another admin take the role from you first")
        erasure_id, now = await self._ids.one(), self._clock.now()
        due_at = now + self._grace
        try:
            async with db.transaction():
                await Erasure.create(id=erasure_id, user_id=actor.user_id, asked_at=now, due_at=due_at)
                await self._jobs.enqueue(
                    ERASE, {"erasure_id": erasure_id}, dedupe_key=f"erase:{erasure_id}", due_at=due_at
                )
                ended = await self._accounts.sessions.mark_others_ended(actor.user_id, 0, "erasure")
        except IntegrityError:  # asked for twice at once
            earlier = await Erasure.get(user_id=actor.user_id)
            return ErasureView(erases_at=earlier.due_at)
        await self._accounts.sessions.announce_end(actor.user_id, ended, "erasure")
        log.info("an erasure was asked for", user_id=actor.user_id, erasure_id=erasure_id)
        return ErasureView(erases_at=due_at)

    async def run(self, work: Work) -> None:
        """Handles the job ``personal.erase`` with args ``{"erasure_id"}``.

        The cursor is ``{"step", "after", "begins"}``: the number of the step, how far it is, and when the steps begin.
        First the account is closed; the steps begin when nobody can write for the person any more.
        """
        erasure = await Erasure.get_or_none(id=work.args["erasure_id"])
        if erasure is None or erasure.state == "done":
            return  # called off
        if work.cursor is None and not await self._close(erasure, work):
            return
        begins = work.cursor["begins"]
        if (left := begins - self._clock.now().timestamp()) > 0:
            # what is lost of these is found by the nodes within 30 s
            await self._accounts.forget_closed(erasure.user_id)
            await self._disconnect(erasure.user_id, Code.UNAUTHENTICATED, "the account was erased")
            raise Retry(left, "until nobody writes for the person", counts=False)
        steps, number, after = self._steps, work.cursor["step"], work.cursor["after"]
        while number < len(steps):
            further = await steps[number].run(erasure.user_id, after)
            number, after = (number + 1, 0) if further is None else (number, further)
            await work.checkpoint({"step": number, "after": after, "begins": begins})
        async with db.transaction():
            await Erasure.filter(id=erasure.id).update(state="done", finished_at=self._clock.now())
            await work.complete()
        log.info("a person was erased", user_id=erasure.user_id, erasure_id=erasure.id)

    async def _close(self, erasure: Erasure, work: Work) -> bool:
        """Whether the account is closed now; False where a log-in was quicker."""
        try:
            await self._close_or_roll_back(erasure, work)
        except _CalledOff:
            return False
        return True

    async def _close_or_roll_back(self, erasure: Erasure, work: Work) -> None:
        async with db.transaction():
            # the user's row first, as a log-in does: one of the two waits for the other
            await self._accounts.close(erasure.user_id)
            if not await Erasure.filter(id=erasure.id).update(state="running"):
                raise _CalledOff
            begins = self._clock.now().timestamp() + SETTLE_S
            await work.checkpoint({"step": 0, "after": 0, "begins": begins})

    @property
    def _steps(self) -> list[Step]:
        return [step for contribution in self._contributions for step in contribution.steps]
