"""The commands that every namespace has, and the shapes of its events."""

from __future__ import annotations

from math import isfinite
from typing import Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema

from mypick.wire import Command, Text, View

MAX_SYNC = 200  # events in one answer
LARGEST_SEQ = 2**53 - 1  # what JavaScript can count to


def _finite(value: Any) -> float | int:
    # one plain check, not a union of float and int: its mistakes would name both, as fields t0.float and t0.int
    if isinstance(value, bool) or not isinstance(value, float | int) or not isfinite(value):
        raise ValueError("it must be a number")
    return value


Milliseconds = Annotated[float | int, PlainValidator(_finite), WithJsonSchema({"type": "number"})]


class Clock(Command):
    """The client's own time, given back untouched."""

    t0: Milliseconds


class ClockReply(View):
    t0: float | int
    t1: float = Field(description="when the server received it, ms on the clock that all nodes share")
    t2: float = Field(description="when the server answered, ms on that clock")


class Sync(Command):
    """Ask for what came after ``after_seq``. Without ``epoch`` the newest one is meant."""

    stream: Text = Field(min_length=1, max_length=100)
    epoch: Text | None = Field(None, max_length=8)
    after_seq: int = Field(ge=0, le=LARGEST_SEQ)
    limit: int = Field(MAX_SYNC, ge=1, le=MAX_SYNC)


class SyncReply(View):
    stream: str
    epoch: str
    head_seq: int
    floor_seq: int
    reset: bool = Field(description="the past cannot be told: throw the state away and take the fresh snapshot")
    events: list[dict[str, Any]]
    more: bool = Field(description="call again with the last seq of events")


class RefreshAuth(Command):
    token: Text = Field(min_length=1, max_length=4096)


class RefreshAuthReply(View):
    expires_in: int = Field(description="seconds")


class AuthExpiring(View):
    expires_in: int = Field(description="seconds until this socket is closed unless it calls refresh-auth")


class Lagged(View):
    stream: str
    head_seq: int


class Evicted(View):
    stream: str
    code: str
    until: str | None = None
    reason: str | None = None


class RoomPresence(View):
    room_id: int
    online: int = Field(description="people in the room now; at most one event each 2 s, and the last state is told")


class ServerDraining(View):
    reconnect_after_ms: int
