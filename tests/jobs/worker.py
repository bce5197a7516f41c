"""A worker in a process of its own, to be killed: ``python -m tests.jobs.worker DATABASE_URL REDIS_URL MODE``.

MODE ``hang``: does the first of three effects, says so on standard output and hangs inside the transaction of the
second. MODE ``finish``: does what is left and ends with the job.
"""

from __future__ import annotations

import asyncio
import sys

from tortoise.expressions import F

from mypick import db
from mypick.clock import SystemClock
from mypick.db import open_database
from mypick.ids import IdBlock
from mypick.jobs.process import ProcessJobs
from mypick.jobs.queue import Jobs
from mypick.jobs.work import Work

LEASE_S = 1.5
STEPS = 3


async def main(database_url: str, redis_url: str, mode: str) -> None:
    finished = asyncio.Event()

    async def handle(work: Work) -> None:
        for step in range(work.cursor or 0, STEPS):
            async with db.transaction():
                await IdBlock.get_or_create(name=f"effect {step}", defaults={"next_id": 0})
                await IdBlock.filter(name=f"effect {step}").update(next_id=F("next_id") + 1)
                if mode == "hang" and step == 1:
                    print("hanging", flush=True)
                    await asyncio.Event().wait()
                await work.checkpoint(step + 1)
        finished.set()

    clock = SystemClock()
    process = ProcessJobs(clock)
    async with open_database(database_url):
        jobs = Jobs(clock, redis_url=redis_url, sweep_interval_s=0.5)
        jobs.register("steps", handle, lease_s=LEASE_S)
        await jobs.start(process)
        print("ready", flush=True)
        await finished.wait()
        await jobs.close()
        await process.close()
    print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
