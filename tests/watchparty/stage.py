"""A video, parties that play it, and clients in them."""

from __future__ import annotations

import itertools
from typing import Any

from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.content.models import Content
from mypick.creators.models import Creator
from mypick.watchparty.commands import OpenParty
from mypick.watchparty.views import PartyDetails
from tests.realtime.clients import Client
from tests.realtime.conftest import OpenClient
from tests.realtime.node import Fan, Node, until

SPACE = "/watch-party"
DURATION_MS = 600_000
_cids = itertools.count(1)
_contents = itertools.count(1_000_001)


def cid() -> str:
    return f"p{next(_cids)}"


def actor_of(fan: Fan, role: str = "fan") -> Actor:
    return Actor(user_id=fan.id, role=role, session_id=1, scopes=None, expires_at=None)


async def video(clock: Clock, *, duration_s: int | None = DURATION_MS // 1_000, kind: str = "video") -> Content:
    creator = await Creator.create(name="somebody", description="", created_at=clock.now())
    number = next(_contents)
    return await Content.create(
        id=number,
        creator_id=creator.id,
        channel_id=1,
        platform="youtube",
        external_id=f"v{number}",
        kind=kind,
        title="the first concert",
        description="",
        url=f"https://tube.example/{number}",
        duration_s=duration_s,
        published_at=clock.now(),
        discovered_at=clock.now(),
    )


async def party(node: Node, host: Fan, content: Content | None = None, **fields: Any) -> PartyDetails:
    content = content or await video(node.clock)
    command = OpenParty.model_validate({"content_id": content.id, "visibility": "public", **fields})
    return await node.parties.parties.open(actor_of(host), command)


class Guest:
    """Somebody's client in one party: what it was shown, and what it asks."""

    def __init__(self, socket: Client, fan: Fan, party_id: int) -> None:
        self.socket, self.fan, self.party_id = socket, fan, party_id
        self.joined: dict[str, Any] = {}

    async def join(self, **fields: Any) -> dict[str, Any]:
        reply = await self.socket.ask("join-party", {"party_id": self.party_id, **fields})
        assert reply["ok"], reply
        self.joined = reply["data"]
        return self.joined

    async def ask(self, name: str, **fields: Any) -> dict[str, Any]:
        return await self.socket.ask(name, {"party_id": self.party_id, **fields})

    async def control(self, op: str, base_seq: int | None = None, **fields: Any) -> dict[str, Any]:
        """``base_seq`` is of the newest timeline that this client knows, if it is not given."""
        base = self.timeline["seq"] if base_seq is None else base_seq
        return await self.ask("control", cid=cid(), base_seq=base, op=op, **fields)

    @property
    def timeline(self) -> dict[str, Any]:
        """The newest that it was shown."""
        known = dict(self.joined["timeline"])
        for event in self.socket.all("timeline"):
            if event["seq"] > known["seq"]:
                known = {**event["data"], "seq": event["seq"], "epoch": event["epoch"]}
        return known

    async def until_seq(self, seq: int) -> dict[str, Any]:
        """Its timeline once it has heard of ``seq``."""
        await until(lambda: self.timeline["seq"] >= seq, f"no timeline {seq}; there came {self.socket.heard}")
        return self.timeline

    async def close(self) -> None:
        await self.socket.close()


async def guest(client: OpenClient, node: Node, fan: Fan, party_id: int, **fields: Any) -> Guest:
    """A client that is in the party."""
    one = Guest(await client(node, fan, space=SPACE), fan, party_id)
    await one.join(**fields)
    return one
