"""SQLite on a disk without room: commands are refused clearly, nothing acknowledged is lost, and it goes on."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path

import aiohttp
import psutil  # type: ignore[import-untyped]  # the package ships no types

from tests.chaos import truth
from tests.chaos.logs import Tail, unexpected
from tests.chaos.people import make_people
from tests.chaos.storm import LEFT
from tests.chaos.verdict import judge
from tests.e2e.stack import Rest, Stack, running
from tests.workers.crowd import Crowd

PEOPLE = 20
ROOM = 128 * 1024  # bytes of each file that the server may write; its log stays below, the database is beyond
WITHIN = 20.0  # seconds


def fill_disk(stack: Stack, *, full: bool) -> None:
    """No file of the server may grow beyond ``ROOM``: writing fails as on a disk without room, whoever runs this."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    psutil.Process(stack.server.pid).rlimit(psutil.RLIMIT_FSIZE, (ROOM if full else hard, hard))


async def done(url: str) -> None:
    """Returns when no notice has anybody left to tell."""
    async with asyncio.timeout(WITHIN):
        while (await truth.rows(url, LEFT))[0][0] != (0,):
            await asyncio.sleep(0.05)


async def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path / 'mypick.sqlite3'}"
    tokens = await make_people(url, PEOPLE)
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
        running(tmp_path, url, development=False) as stack,
    ):
        people = Crowd(stack, tokens, http)
        await people.follow()
        tasks = [asyncio.create_task(follower.run()) for follower in people.followers]
        await people.all(lambda follower: follower.in_step)
        people.post()
        await people.told_everything()
        await done(url)  # a job that could not note its end would be looked for when its lease ends, after 15 s
        tail = Tail(stack.server.log)

        fill_disk(stack, full=True)
        people.post()
        one = Rest(stack.url, http)
        one.token = next(iter(tokens.values()))
        name = (await one.ok("GET", "/users/me"))["display_name"]
        outcomes = [await one.call("PATCH", "/users/me", {"display_name": f"name {number}"}) for number in range(40)]
        for number, (status, answer) in enumerate(outcomes):
            if status == 200:
                name = f"name {number}"
            else:
                assert (status, answer["error"]["code"]) == (503, "UNAVAILABLE")
        assert outcomes[-1][0] == 503, "the disk is not full"
        assert (await one.ok("GET", "/users/me"))["display_name"] == name
        for follower in people.followers:
            await follower.mark_read(follower.last)
        await people.all(lambda follower: follower.unanswered == 0)
        assert sum(follower.refused["UNAVAILABLE"] for follower in people.followers) > 0
        assert await tail.wait_for("a lease could not be renewed", WITHIN)

        fill_disk(stack, full=False)
        people.post()
        await people.told_everything()
        await one.ok("PATCH", "/users/me", {"display_name": "there is room"})
        await done(url)
        judged = await judge(url, people.followers, people.titles, {title: list(tokens) for title in people.titles})
        assert judged.problems == ()
        assert judged.compared == 3 * PEOPLE
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert [end for end in ended if not isinstance(end, asyncio.CancelledError)] == []
    assert [line for line in unexpected([stack.server.log], []) if "StorageAway" not in line] == []
