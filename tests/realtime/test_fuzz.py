"""Packets and payloads that nobody thought of, against one server with a well-behaved client beside them.

That nothing unexpected is logged is looked at after every test of this folder.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import aiohttp
import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.chaos.mutations import VALID, mutated
from tests.realtime.clients import SPACE, Frame, Polling, Raw
from tests.realtime.node import Fan, Node

EVENT = f"42{SPACE},"
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["inbox:1", "inbox:2", "'; DROP TABLE notification; --", "<b>", "\u0000", "🙂"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
COMMANDS = ["clock", "sync", "mark-read", "refresh-auth", "connect", "disconnect", "", "nonsense"]
FIELDS = ["t0", "stream", "epoch", "after_seq", "limit", "upto_seq", "ids", "token"]
PIECES = st.sampled_from(
    [*"0123456", "9", "-", ",", "/", SPACE, "[", "]", "{", "}", '"', "clock", "null", "²", "\\", " "]
)
PACKETS = (
    st.lists(PIECES, max_size=12).map("".join)
    | st.tuples(st.sampled_from(["42", "43", "45", "451-", "40", "41", "46"]), st.text(max_size=30)).map("".join)
    | st.tuples(st.just(EVENT), st.lists(PIECES, max_size=8).map("".join)).map("".join)
    | st.binary(max_size=30)
    | st.text(max_size=30)
).filter(lambda frame: isinstance(frame, bytes) or not any("\ud800" <= c <= "\udfff" for c in frame))


# one server for all examples: each must leave it as it was
MANY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)


@asynccontextmanager
async def someone_beside(node: Node, fan: Fan, http: aiohttp.ClientSession) -> AsyncIterator[None]:
    beside = await (await Raw(http, node).open()).join(fan)
    yield
    assert (await beside.ask('["clock",{"t0":1}]'))["ok"]
    await beside.close()
    await node.assert_nobody_left()


@MANY
@given(frames=st.lists(PACKETS, min_size=1, max_size=4))
async def test_no_packet_is_felt_beyond_its_sender(
    node: Node, alice: Fan, bob: Fan, http: aiohttp.ClientSession, frames: list[Frame]
) -> None:
    async with someone_beside(node, bob, http):
        one = await (await Raw(http, node).open()).join(alice)
        for frame in frames:
            await one.send(frame)
        await one.send("1")  # whatever it was: with the goodbye it ends
        await one.rest()
        poll = await (await Polling(http, node).open()).join(alice)
        for frame in frames:
            if isinstance(frame, str):
                assert (await poll.post(frame))[0] in (200, 400)
        await poll.post("1")


@MANY
@given(rng=st.randoms(use_true_random=False), packet=st.sampled_from(VALID))
async def test_no_broken_packet_is_felt_beyond_its_sender(
    node: Node, alice: Fan, bob: Fan, http: aiohttp.ClientSession, rng: Random, packet: bytes
) -> None:
    """As the siege sends them by the hundred thousand; here the shortest that does harm would be found."""
    async with someone_beside(node, bob, http):
        one = await (await Raw(http, node).open()).join(alice)
        for _ in range(3):
            broken = mutated(rng, packet)
            try:
                await one.send(broken.decode())
            except UnicodeDecodeError:
                await one.send(broken)
        await one.send("1")
        await one.rest()


@MANY
@given(name=st.sampled_from(COMMANDS), payload=st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4) | VALUES)
async def test_every_payload_gets_an_answer_that_is_no_failure_of_ours(
    node: Node, alice: Fan, bob: Fan, http: aiohttp.ClientSession, name: str, payload: Any
) -> None:
    try:
        text = orjson.dumps([name, payload]).decode()
    except TypeError:  # what JSON does not have
        text = f'["{name}",{payload!r}]'.encode("utf-8", "replace").decode()
    async with someone_beside(node, bob, http):
        one = await (await Raw(http, node).open()).join(alice)
        await one.send(f"42{SPACE},7{text}")
        reply = await one.ack(7)
        if reply is not None:  # or it was no JSON, and the client is closed
            assert reply["ok"] or reply["error"]["code"] in ("INVALID", "NOT_FOUND", "UNAUTHENTICATED"), reply
        await one.close()
