"""A person's data, put together: what the REST door and the jobs call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from mypick.accounts.ports import Limits
from mypick.accounts.service import Accounts
from mypick.clock import Clock
from mypick.ids import Ids
from mypick.jobs.queue import Jobs
from mypick.personal.contribution import Contribution
from mypick.personal.erasures import ERASE, Disconnect, Erasures
from mypick.personal.exports import EXPORT, Exports
from mypick.personal.links import Links
from mypick.storage import Storage


class PersonalData:
    """``secret`` signs links; a file is kept for ``keep``, an erasure can be called off for ``grace``."""

    def __init__(
        self,
        contributions: Sequence[Contribution],
        accounts: Accounts,
        storage: Storage,
        *,
        disconnect: Disconnect,
        secret: str,
        jobs: Jobs,
        limits: Limits,
        clock: Clock,
        ids: Ids,
        keep: timedelta,
        grace: timedelta,
    ) -> None:
        self.exports = Exports(
            contributions,
            storage,
            Links(secret, clock),
            jobs=jobs,
            limits=limits,
            clock=clock,
            ids=ids,
            keep=keep,
        )
        self.contributions = [*contributions, self.exports.contribution()]
        self.erasures = Erasures(
            self.contributions, accounts, disconnect, jobs=jobs, clock=clock, ids=ids, grace=grace
        )

    def register(self, jobs: Jobs) -> None:
        # both may take long for people who wrote much, and nobody waits at a screen: behind all else
        jobs.register(EXPORT, self.exports.run, priority=8, max_attempts=8)
        jobs.register(ERASE, self.erasures.run, priority=8, max_attempts=50)
