"""What each node sees to once a second, in any party."""

from __future__ import annotations

from mypick.db import Database
from mypick.watchparty import seats
from mypick.watchparty.models import PartyNode, WatchParty
from tests.fakes import FakeClock
from tests.realtime.conftest import Logs
from tests.watchparty.nodes import opened, person, processes, timeline


async def test_a_party_that_cannot_be_moved_on_keeps_no_other_waiting(
    sqlite_database: Database, clock: FakeClock, logs: Logs
) -> None:
    async with processes(clock, "a") as (node,):
        alice, bob = [await person(name, clock) for name in ("alice", "bob")]
        broken, healthy = [(await opened(node, alice)).id for _ in range(2)]
        for who in (alice, bob):
            for party_id in (broken, healthy):
                await node.arrive(who, party_id)
        for party_id in (broken, healthy):
            await node.steer(alice, party_id, "play", (await timeline(party_id)).seq)
        await WatchParty.filter(id=broken).update(status="playing", rate=0.0)  # as no code of ours writes it
        for _ in range(12):  # the gate's deadline, and the host's lease
            clock.advance(1)
            node.alive(bob, healthy)
            await node.tick()
        assert (await timeline(healthy)).status == "playing"
        assert (await WatchParty.get(id=healthy)).host_id == bob.user_id
    told = {(line["event"], line["party_id"]) for line in logs.lines if line["log_level"] == "error"}
    assert told == {("a party was passed over", broken)}
    logs.lines.clear()


async def test_a_node_that_says_twice_at_once_that_it_lives_began_only_once(database: Database) -> None:
    assert not await seats.beat("a", 1_000.0)
    for now in (3_000.0, 3_000.0, 3_000.4):
        assert await seats.beat("a", now)
    assert (await PartyNode.get(node="a")).started_ms == 1_000
