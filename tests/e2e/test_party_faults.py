"""A party through real processes that are killed: one new host in time, and what is played does not jump."""

from __future__ import annotations

import asyncio
import itertools
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import socketio

from tests.e2e.stack import Rest, Stack, running, until

SPACE = "/watch-party"
_cids = itertools.count(1)


class Watcher:
    """A person's socket in a party on one server. Goes by the server's clock, and keeps the newest timeline."""

    def __init__(self, url: str, rest: Rest, party_id: int) -> None:
        self._url, self._rest, self._party_id = url, rest, party_id
        self.client = socketio.AsyncClient(reconnection=False)
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.joined: dict[str, Any] = {}
        for name in ("timeline", "host-changed", "member-left"):
            self.client.on(name, lambda event, name=name: self.heard.append((name, event)), namespace=SPACE)

    async def open(self) -> None:
        auth = {"token": self._rest.token}
        await self.client.connect(
            self._url, namespaces=[SPACE], auth=auth, transports=["websocket"], wait_timeout=10
        )
        self.joined = await self.ask("join-party")

    async def ask(self, name: str, **fields: Any) -> Any:
        reply = await self.client.call(name, {"party_id": self._party_id, **fields}, namespace=SPACE, timeout=15)
        assert reply["ok"], reply
        return reply["data"]

    async def control(self, op: str, **fields: Any) -> int:
        data = await self.ask("control", cid=f"c{next(_cids)}", base_seq=self.timeline["seq"], op=op, **fields)
        return int(data["seq"])

    def all(self, name: str) -> list[dict[str, Any]]:
        return [event for heard, event in self.heard if heard == name]

    @property
    def timeline(self) -> dict[str, Any]:
        known: dict[str, Any] = self.joined["timeline"]
        for event in self.all("timeline"):
            if event["seq"] > known["seq"]:
                known = {**event["data"], "seq": event["seq"], "epoch": event["epoch"]}
        return known

    async def until_seq(self, seq: int) -> None:
        await until(lambda: self.timeline["seq"] >= seq, what=f"the timeline {seq} did not come")

    async def shared_ms(self) -> float:
        """How far the party's clock is ahead of this process's monotonic one, by the best of a few samples."""
        best = (float("inf"), 0.0)
        for _ in range(8):
            asked = time.monotonic() * 1_000
            reply = await self.client.call("clock", {"t0": asked}, namespace=SPACE, timeout=15)
            answered = time.monotonic() * 1_000
            best = min(best, (answered - asked, reply["data"]["t1"] - (asked + answered) / 2))
        return best[1]

    async def position(self, at_monotonic_ms: float) -> float:
        """Where the party stands at a moment, as this client sees it."""
        timeline = self.timeline
        passed = max(0.0, at_monotonic_ms + await self.shared_ms() - timeline["anchor_at_ms"])
        return float(timeline["anchor_position_ms"] + timeline["rate"] * passed)

    async def close(self) -> None:
        await self.client.disconnect()


async def content_of(stack: Stack, rest: Rest) -> int:
    channel = stack.emulator.add_channel("evening", "Evening Notes")
    stack.emulator.publish(channel, "a long concert", at=datetime.now(UTC) - timedelta(minutes=1))
    creator_id = await rest.follow("@evening")
    for _ in range(200):
        if videos := await rest.ok("GET", f"/creators/{creator_id}/videos"):
            return int(videos[0]["id"])
        await asyncio.sleep(0.1)
    raise AssertionError("the video did not come")


async def people(stack: Stack, http: aiohttp.ClientSession, *names: str) -> list[Rest]:
    found = [Rest(stack.url, http) for _ in names]
    for rest, name in zip(found, names, strict=True):
        await rest.register(name)
    return found


async def playing(stack: Stack, alice: Rest, watchers: list[Watcher]) -> None:
    """``watchers[0]`` is the host, and it plays."""
    for one in watchers:
        await one.open()
    waiting = await watchers[0].control("play")
    for one in watchers:
        await one.until_seq(waiting)
        await one.ask("ready", seq=waiting, state="ready")
    for one in watchers:
        await one.until_seq(waiting + 1)
        assert one.timeline["status"] == "playing"
    assert watchers[0].timeline["reason"] == "ready", "not the deadline"


async def test_a_killed_server_leaves_the_party_one_new_host_within_twelve_seconds_and_no_jump(
    tmp_path: Path, postgres_url: str, redis_url: str, http: aiohttp.ClientSession
) -> None:
    async with running(tmp_path, postgres_url, redis_url, development=False, beside=[{}]) as stack:
        alice, bob, carol = await people(stack, http, "alice", "bob", "carol")
        body = {"content_id": await content_of(stack, alice), "visibility": "public"}
        party = await alice.ok("POST", "/watch-parties", body)
        urls = [f"http://127.0.0.1:{server.port}" for server in stack.servers]
        host = Watcher(urls[0], alice, party["id"])
        others = [Watcher(urls[1], rest, party["id"]) for rest in (bob, carol)]
        await playing(stack, alice, [host, *others])
        now = time.monotonic() * 1_000
        positions = [await one.position(now) for one in (host, *others)]
        assert max(positions) - min(positions) < 20, "both servers go by one clock"
        before = others[0].timeline
        stack.servers[0].kill()
        killed = time.monotonic()
        await until(lambda: others[0].all("host-changed") and others[1].all("host-changed"), what="nobody followed")
        assert time.monotonic() - killed < 12
        (change,) = others[0].all("host-changed")
        assert (change["data"]["reason"], change["data"]["former_host_id"]) == ("vanished", alice.user["id"])
        assert change["data"]["host_id"] == bob.user["id"]
        assert others[0].timeline == before
        moved = await others[0].position(now) - positions[1]
        assert abs(moved) < 20, "the timeline does not jump"
        await others[0].control("pause")
        await until(lambda: others[1].timeline["status"] == "paused")
        back = Watcher(urls[1], alice, party["id"])
        await back.open()
        await back.ask("claim-host", cid="claim")
        await until(lambda: len(others[1].all("host-changed")) == 2)
        assert others[1].all("host-changed")[1]["data"]["host_id"] == alice.user["id"]
        for one in (back, *others):
            await one.close()
        assert stack.failures() == []


async def test_a_server_that_is_killed_and_comes_back_plays_on_where_it_would_be(
    tmp_path: Path, sqlite_url: str, http: aiohttp.ClientSession
) -> None:
    async with running(tmp_path, sqlite_url, development=False) as stack:
        alice, bob = await people(stack, http, "alice", "bob")
        body = {"content_id": await content_of(stack, alice), "visibility": "public"}
        party = await alice.ok("POST", "/watch-parties", body)
        watchers = [Watcher(stack.url, rest, party["id"]) for rest in (alice, bob)]
        await playing(stack, alice, watchers)
        now = time.monotonic() * 1_000
        before, position = watchers[1].timeline, await watchers[1].position(now)
        stack.server.kill()
        await stack.server.start()
        again = [Watcher(stack.url, rest, party["id"]) for rest in (alice, bob)]
        for one in again:
            await one.open()
            assert one.timeline == before
            assert abs(await one.position(now) - position) < 50
        assert again[1].joined["party"]["host"]["id"] == alice.user["id"]
        await again[0].control("seek", position_ms=5_000)
        await until(lambda: again[1].timeline["seq"] > before["seq"])
        assert stack.failures() == []
        for one in again:
            await one.close()
