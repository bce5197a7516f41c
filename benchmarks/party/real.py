"""A party on the whole server: its sockets, its commands, its database, on a time that jumps.

The server is the one of ``run.py serve`` (``config.serving``), on SQLite in a folder of its own, with a clock that is
handed in. Guests come through real sockets; what is simulated are their networks, clocks and players. The truth is the
server's own timeline events, as they were when it sent them.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from benchmarks.party.scenario import Scenario
from benchmarks.party.simulation import Kind, Outcome, cast, come_and_go, watch
from benchmarks.party.stage import RealGuest, RealParty
from benchmarks.party.warp import LoopWorld, WarpLoop, counted_queries
from mypick.db import open_database

START_MS = 1_000.0  # the scenario's own zero, in ms after the server is up


@dataclass
class Happened:
    """What befell the party, in ms."""

    outcome: Outcome
    migration: float | None = None  # from the last sign of the host's life to the new host
    migration_jump: float | None = None  # of the timeline, by that
    restart_jump: float | None = None  # of the timeline: what the new server says, beside what the old one said
    back_in: float | None = None  # from the new server's start until every guest is back
    after_restart: float | None = None  # largest error 3 s after all are back, of those who had data all the time
    gates: list[float] = field(default_factory=list)  # how long each start waited
    refused: list[Mapping[str, Any]] = field(default_factory=list)  # errors that guests were answered with


async def party(stage: RealParty, seed: int, scenario: Scenario, kind: Kind) -> Happened:
    """Play ``scenario`` to its end."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as stage.http:
        outcome = Outcome(bad=scenario.bad)
        happened = Happened(outcome)
        servers = contextlib.AsyncExitStack()
        await servers.enter_async_context(stage.server("first"))
        tokens = await stage.people(len(scenario.stays))
        await stage.open(tokens[0])
        stage.guests = [
            RealGuest(stage, person, kind, token)
            for person, token in zip(cast(seed, scenario, kind), tokens, strict=True)
        ]
        outcome.guests = stage.guests
        begin = stage.world.now + START_MS
        shifted = _Shifted(stage.world, begin)
        come_and_go(shifted, scenario, stage.guests)
        for act in scenario.acts:
            shifted.at(act.at, lambda act=act: stage.act(act))
        watch(shifted, outcome, stage.truth)
        try:
            if scenario.host_goes is not None:
                shifted.at(scenario.host_goes, stage.guests[0].vanish)
            if scenario.restart is not None:
                await shifted.sleep_until(scenario.restart[0])
                await _restart(stage, servers, scenario.restart[1] - scenario.restart[0], happened)
            await shifted.sleep_until(scenario.length)
        finally:
            for guest in stage.guests:
                guest.wanted = False
                await guest.line.cut()
            await servers.aclose()
        _judge(stage, scenario, begin, happened)
        return happened


class _Shifted:
    """The scenario's time on the loop's."""

    def __init__(self, world: LoopWorld, begin: float) -> None:
        self._world, self._begin = world, begin

    @property
    def now(self) -> float:
        return self._world.now

    def at(self, when: float, happening: Any) -> None:
        self._world.at(self._begin + when, happening)

    def every(self, pause: float, happening: Any) -> None:
        self._world.every(pause, happening)

    async def sleep_until(self, when: float) -> None:
        await asyncio.sleep(max(0.0, self._begin + when - self._world.now) / 1_000)


async def _restart(stage: RealParty, servers: Any, away: float, happened: Happened) -> None:
    """Every connection breaks at once, as if the process had been killed; another one opens the database."""
    for guest in stage.guests:
        await guest.line.cut()
        guest._gone()
    await servers.aclose()
    stage.url = "http://127.0.0.1:9"
    await asyncio.sleep(away / 1_000)
    await servers.enter_async_context(stage.server("second"))
    began = stage.world.now
    wanted = [guest for guest in stage.guests if guest.wanted]
    stalls = [guest.player.stalls for guest in wanted]
    while any(not guest.line.open for guest in wanted) and stage.world.now - began < 30_000:
        await asyncio.sleep(0.05)
    happened.back_in = stage.world.now - began
    snapshot = await _timeline(stage)
    now = stage.world.now
    held = stage.truth.at(now)
    if held is not None:
        happened.restart_jump = abs(stage.true(0, snapshot).position(now) - held.position(now))
    await asyncio.sleep(3.0)
    errors = [
        stage.truth.error(stage.world.now, guest.player.position) or 0.0
        for guest, before in zip(wanted, stalls, strict=True)
        if guest.player.stalls == before and not guest.person.bad and guest.line.open
    ]
    happened.after_restart = max(errors, default=0.0)


async def _timeline(stage: RealParty) -> Mapping[str, Any]:
    token = stage.guests[1].token
    headers = {"Authorization": f"Bearer {token}"}
    async with stage.http.get(f"{stage.url}/api/v1/watch-parties/{stage.party_id}", headers=headers) as answer:
        body = await answer.json()
    timeline: Mapping[str, Any] = body["data"]["timeline"]
    return timeline


def _judge(stage: RealParty, scenario: Scenario, begin: float, happened: Happened) -> None:
    happened.refused = [error for guest in stage.guests for error in guest.line.refused]
    if scenario.host_goes is not None:
        gone = begin + scenario.host_goes
        later = [at for at, data in stage.host_changes if at > gone and data["reason"] == "vanished"]
        if later:
            happened.migration = later[0] - gone
            log = [one for one in stage.truth.log if one.effective_at_ms <= gone]
            held = stage.truth.at(later[0])
            if log and held is not None:
                happened.migration_jump = abs(held.position(later[0]) - log[-1].position(later[0]))
    waiting: float | None = None
    for one in stage.truth.log:
        if one.status == "waiting":
            waiting = one.effective_at_ms
        elif one.playing and waiting is not None:
            happened.gates.append(one.effective_at_ms - waiting)
            waiting = None


def play(seed: int, scenario: Scenario, kind: Kind, template: Path) -> Happened:
    """On a loop of its own, in a copy of ``template``, an SQLite file that has been migrated."""
    loop = WarpLoop()
    with TemporaryDirectory(prefix="mypick-party-") as name, counted_queries(loop.work):
        folder = Path(name)
        shutil.copyfile(template, folder / "party.sqlite3")
        stage = RealParty(loop, folder, f"sqlite://{folder}/party.sqlite3")
        thresholds = gc.get_threshold()  # a server sets them for good
        try:
            asyncio.set_event_loop(loop)
            return loop.run_until_complete(party(stage, seed, scenario, kind))
        finally:
            asyncio.set_event_loop(None)
            loop.close()
            gc.set_threshold(*thresholds)


def migrated(folder: Path) -> Path:
    """A template for ``play``."""

    async def migrate() -> None:
        async with open_database(f"sqlite://{folder}/template.sqlite3") as database:
            await database.migrate()

    asyncio.run(migrate())
    return folder / "template.sqlite3"
