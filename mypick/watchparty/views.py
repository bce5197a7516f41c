"""What is shown of watch parties."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from mypick.content.views import ContentView
from mypick.watchparty.person import Person
from mypick.watchparty.policy import Visibility, Who
from mypick.watchparty.queue.views import QueueItemView
from mypick.watchparty.timeline import Reason, Status
from mypick.wire import Instant, View

RoleWord = Literal["guest", "cohost", "host"]
HostReason = Literal["transferred", "claimed", "left", "vanished"]


class TimelineView(View):
    """The event ``timeline``. While playing the position is
    ``anchor_position_ms + rate × (now_ms − anchor_at_ms)``."""

    status: Status
    content_id: int
    anchor_position_ms: int = Field(description="ms from the beginning of the content")
    anchor_at_ms: int = Field(description="when it is there, on the party's clock")
    rate: float
    effective_at_ms: int = Field(description="when all act on it; until then the one before holds")
    reason: Reason


class CurrentTimeline(TimelineView):
    epoch: str
    seq: int = Field(description="of its event: what ready, report and the base of control name")


class PolicyView(View):
    control: Who
    queue: Who
    invite: Who


class PartyView(View):
    id: int
    title: str
    visibility: Visibility
    creator_id: int = Field(description="whose community it is, where its visibility is community")
    policy: PolicyView
    host: Person | None
    content: ContentView | None = Field(description="what is played now")
    capacity: int = Field(description="people at once; the host and co-hosts get in always")
    autoplay: bool = Field(description="whether the next of the queue is loaded when a video ends")
    starts_at: Instant | None = Field(description="when it begins; guests come in from ten minutes before")
    created_at: Instant
    ended_at: Instant | None


class PartyBrief(PartyView):
    """As a list has it."""

    status: Status
    online: int = Field(description="people there")


class PartyDetails(PartyView):
    timeline: CurrentTimeline
    role: RoleWord | None = Field(description="of the asker; null for whoever has never been there")
    online: int = Field(description="people there")
    attending: int = Field(description="people who said that they will come")
    attends: bool = Field(description="whether the asker did")
    reclaim_until_ms: int | None = Field(
        description="until when the asker, who lost it, may claim the party back; on the party's clock"
    )


class MemberView(View):
    user: Person
    role: RoleWord
    since_ms: int | None = Field(description="when they came, on the party's clock")


class RoleSet(View):
    user_id: int
    role: RoleWord


class PartyJoined(View):
    party: PartyView
    timeline: CurrentTimeline
    members: list[MemberView] = Field(description="who is there: the host, co-hosts, then the longest; at most 100")
    online: int = Field(description="people there; in a large party more than members has")
    queue: list[QueueItemView] = Field(description="what is played next, in that order; at most 100")
    own_votes: list[int] = Field(description="ids of the items in the queue that one voted for")
    messages: list[dict[str, Any]] = Field(
        description="what was said last as events message-created, the oldest first; at most 30"
    )
    role: RoleWord
    stream: str
    epoch: str
    head_seq: int
    floor_seq: int
    reset: bool = Field(description="what was missed since after_seq cannot be told: take all from this answer")
    events: list[dict[str, Any]]
    more: bool = Field(description="call sync with the last seq of events")


class Steered(View):
    seq: int = Field(description="of the timeline that holds now")


class Done(View):
    seq: int | None = Field(description="in the party's stream; null where nothing was to be told")


class Nothing(View):
    """There is nothing to tell."""


class Ended(View):
    ended_at: Instant


class MemberJoined(View):
    """The event ``member-joined``, whose actor it is."""

    role: RoleWord
    since_ms: int


class MemberLeft(View):
    """The event ``member-left``."""

    user_id: int
    reason: Literal["left", "gone", "kicked", "banned"]


class HostChanged(View):
    """The event ``host-changed``."""

    host_id: int
    former_host_id: int
    reason: HostReason
    reclaim_until_ms: int | None = Field(description="until when the former host may claim it back")


class PartyChanged(View):
    """The event ``party-changed``: what the party is, with the title that it has now. Told of roles too: of those who
    are not named, nothing."""

    title: str
    visibility: Visibility
    policy: PolicyView
    capacity: int
    autoplay: bool
    starts_at: Instant | None
    roles: list[RoleSet]


class GateState(View):
    """The event ``gate``: how many are ready while a party waits to start."""

    party_id: int
    seq: int = Field(description="of the timeline that waits")
    ready: int
    of: int = Field(description="people there, the host among them")


class PartyPresence(View):
    party_id: int
    online: int = Field(description="people in the party now; at most one event each 2 s, and the last state is told")
