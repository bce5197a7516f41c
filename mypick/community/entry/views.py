"""What is shown of the ways into a community."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mypick.community.views import CommunityBrief, PersonBrief, RoomNamed
from mypick.wire import Instant, View

RequestStatus = Literal["waiting", "accepted", "refused", "withdrawn"]


class CommunityAbout(CommunityBrief):
    """What somebody should know before they join."""

    description: str
    rules: str
    members: int
    claimed: bool = Field(description="whether the creator has taken it over")
    rooms: list[RoomNamed] = Field(description="archived ones too; none for whoever may not read them")


class InviteView(View):
    id: int
    code: str = Field(examples=["K7M2Q-4XWPT"])
    actor: PersonBrief | None = Field(description="who made it")
    max_uses: int
    uses: int
    approval: bool
    expires_at: Instant | None
    revoked_at: Instant | None
    created_at: Instant
    open: bool = Field(description="whether it lets somebody in now")
    rests: bool = Field(description="who made it may make none now: until they may again it lets nobody in")


class InviteRevoked(View):
    revoked: bool


class InvitePreview(View):
    """What an invite shows to whoever holds it."""

    community_id: int
    name: str
    description: str
    rules: str
    approval: bool
    member: bool = Field(description="whether the asker is one already")


class InviteAccepted(View):
    community_id: int
    member: bool
    request: RequestStatus | None = Field(description="where a moderator decides")


class RequestView(View):
    id: int
    community_id: int
    user: PersonBrief | None
    text: str
    status: RequestStatus
    created_at: Instant
    decided_at: Instant | None


class ClaimView(View):
    id: int
    community_id: int
    community_name: str
    user: PersonBrief | None
    code: str = Field(description="to be placed in the description of one of the channels", examples=["mypick-7KQ2…"])
    channels: list[str] = Field(description="addresses of the creator's channels")
    text: str
    status: RequestStatus
    created_at: Instant
    expires_at: Instant = Field(description="until when the code counts")


class OwnerChanged(View):
    owner_id: int
