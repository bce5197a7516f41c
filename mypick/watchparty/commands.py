"""What may be asked of watch parties."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator

from mypick.accounts.commands import WebAddress
from mypick.watchparty.policy import Visibility, Who
from mypick.watchparty.timeline import MAX_POSITION_MS, Op
from mypick.wire import Cid, Command, Id, Line, Text

LARGEST_SEQ = 2**53 - 1  # what JavaScript can count to
MOST_BUFFERED_MS = 86_400_000  # a day
MOST_ERROR_MS = 86_400_000
MOST_CAPACITY = 5_000  # people in one party
MAX_URL = 500  # characters of an address


def _finite(value: Any) -> float:
    # one plain check: the mistakes of a union of float and int would name both, as fields of their own
    if isinstance(value, bool) or not isinstance(value, float | int) or not isfinite(value):
        raise ValueError("it must be a number")
    return float(value)


def _within(least: float, most: float) -> Any:
    def check(value: float) -> float:
        if not least <= value <= most:
            raise ValueError(f"it must be from {least:g} to {most:g}")
        return value

    return AfterValidator(check)


def _plain(url: str) -> str:
    if "#" in url or any(letter.isspace() for letter in url):
        raise ValueError("it is an address without blanks and without #")
    return url


Number = Annotated[float, PlainValidator(_finite), WithJsonSchema({"type": "number"})]
PositionMs = Annotated[
    float,
    PlainValidator(_finite),
    _within(0, MAX_POSITION_MS),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": MAX_POSITION_MS}),
    Field(description="ms from the beginning of the content"),
]


def _moment(value: Any) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("write it with its zone, as 2026-01-31T09:00:00Z")
    return value.astimezone(UTC).replace(microsecond=0)


Moment = Annotated[
    datetime,
    PlainValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-01-31T09:00:00Z"]}),
]
Capacity = Annotated[
    int, Field(ge=2, le=MOST_CAPACITY, description="people at once; the host and co-hosts get in always")
]
Seq = Annotated[int, Field(ge=0, le=LARGEST_SEQ)]
Title = Annotated[Line, Field(max_length=150)]
Reason = Annotated[Text, Field(min_length=1, max_length=500)]


class Policy(Command):
    """Who may do what."""

    control: Who = "host"
    queue: Who = "everyone"
    invite: Who = "cohosts"


class PolicyChanges(Command):
    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    control: Who | None = None
    queue: Who | None = None
    invite: Who | None = None


class OpenParty(Command):
    """Open a party for a video: one that MyPick knows, or the address of one on a platform. Exactly one of the two.
    Whoever opens it is its host."""

    content_id: Id | None = None
    url: Annotated[Line, Field(max_length=MAX_URL)] | None = None
    visibility: Visibility
    policy: Policy = Policy()
    title: Title | None = Field(None, description="the title of the video where it is left out")
    capacity: Capacity | None = Field(None, description="as many as this server allows where it is left out")
    autoplay: bool = Field(True, description="whether the next of the queue is loaded when a video ends")
    starts_at: Moment | None = Field(None, description="when it begins; guests come in from ten minutes before")

    model_config = ConfigDict(json_schema_extra={"examples": [{"content_id": 17, "visibility": "public"}]})

    @model_validator(mode="after")
    def _one_video(self) -> Self:
        if (self.content_id is None) == (self.url is None):
            raise ValueError("send either content_id or url")
        return self


class AddFile(Command):
    """A video that lies as a file on one of the operator's MEDIA_ORIGINS: MP4, WebM or whatever browsers play."""

    url: Annotated[WebAddress, AfterValidator(_plain)]
    title: Annotated[Line, Field(max_length=300)]
    duration_s: int | None = Field(
        None, ge=1, le=MAX_POSITION_MS // 1_000, description="a party ends by itself where it is known"
    )
    image_url: WebAddress | None = None


class ChangeParty(Command):
    """What is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    title: Title | None = None
    visibility: Visibility | None = None
    policy: PolicyChanges | None = None
    capacity: Capacity | None = None
    autoplay: bool | None = None
    starts_at: Moment | None = Field(None, description="null takes the time away")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.changes():
            raise ValueError("name what is to change: title, visibility, policy, capacity, autoplay or starts_at")
        return self

    def policy_changes(self) -> dict[str, str]:
        given = self.policy.model_dump(exclude_none=True) if self.policy is not None else {}
        return {f"may_{name}": who for name, who in given.items()}

    def changes(self) -> dict[str, Any]:
        """Columns and what they become."""
        own = {name: getattr(self, name) for name in ("title", "visibility", "capacity", "autoplay")}
        changes = {**{name: value for name, value in own.items() if value is not None}, **self.policy_changes()}
        return changes | ({"starts_at": self.starts_at} if "starts_at" in self.model_fields_set else {})


class JoinParty(Command):
    """Come into a party, by its id or by an invite to it. With ``epoch`` and ``after_seq`` as for ``sync``; where the
    past cannot be told the answer says ``reset``. The timeline and the members are of now in any case."""

    party_id: Id | None = None
    invite: Text | None = Field(None, min_length=1, max_length=500)
    epoch: Text | None = Field(None, max_length=8)
    after_seq: Seq | None = None

    @model_validator(mode="after")
    def _which(self) -> Self:
        if self.party_id is None and self.invite is None:
            raise ValueError("name the party: party_id or invite")
        return self


class LeaveParty(Command):
    party_id: Id


class Steer(Command):
    """One command to what is played. ``base_seq`` is the seq of the last event of the party that the client has seen:
    where the timeline has moved on since, or no event has that seq yet, the answer is CONFLICT with the current one."""

    party_id: Id
    cid: Cid
    base_seq: Seq
    op: Op
    position_ms: PositionMs | None = Field(None, description="for seek, and for load where it does not begin at 0")
    rate: Number | None = Field(None, description="for rate, 0.25 to 4; 1 is as it was made")
    content_id: Id | None = Field(None, description="for load")


class Ready(Command):
    """How a guest's player is. ``seq`` is that of the timeline which it is ready to start."""

    party_id: Id
    seq: Seq
    state: Literal["ready", "stalled", "ad"]
    buffered_ms: Annotated[float | None, Field(description="that it can play without loading more")] = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.buffered_ms is not None and not 0 <= self.buffered_ms <= MOST_BUFFERED_MS:
            raise ValueError(f"buffered_ms is from 0 to {MOST_BUFFERED_MS}")
        return self


class Report(Command):
    """How far a guest is from where it should be. Only measured and shown; nothing is decided by it."""

    party_id: Id
    seq: Seq = Field(description="of the timeline that it follows")
    position_ms: PositionMs
    at_ms: Number = Field(description="when it was there, on the party's clock")
    error_ms: Annotated[
        float,
        PlainValidator(_finite),
        _within(-MOST_ERROR_MS, MOST_ERROR_MS),
        WithJsonSchema({"type": "number"}),
        Field(description="how far it is ahead; below 0 it is behind"),
    ]
    rtt_ms: Annotated[
        float,
        PlainValidator(_finite),
        _within(0, 60_000),
        WithJsonSchema({"type": "number", "minimum": 0}),
        Field(description="of the clock's best sample"),
    ]


class TransferHost(Command):
    party_id: Id
    user_id: Id
    cid: Cid


class ClaimHost(Command):
    party_id: Id
    cid: Cid


class NewRole(Command):
    """Add somebody, or give them another role. Who is added may come whatever the visibility."""

    user_id: Id
    role: Literal["cohost", "guest"] = "guest"


class KickMember(Command):
    """Put somebody out. ``ban`` keeps them out; without it they may come again as far as the visibility lets them."""

    party_id: Id
    user_id: Id
    cid: Cid
    ban: bool = False
    reason: Reason | None = None
