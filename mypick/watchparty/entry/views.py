"""What is shown of the ways into a party."""

from __future__ import annotations

from pydantic import Field

from mypick.watchparty.person import Person
from mypick.watchparty.views import PartyBrief
from mypick.wire import Instant, View


class PartyInviteView(View):
    id: int
    token: str = Field(description="what join-party takes as invite")
    url: str = Field(description="of the party's page, with the token", examples=["/parties/9?invite=AAAA…"])
    actor: Person | None = Field(description="who made it")
    max_uses: int
    uses: int
    expires_at: Instant
    revoked_at: Instant | None
    created_at: Instant
    open: bool = Field(description="whether it lets somebody in now")


class PartyInviteRevoked(View):
    revoked: bool


class PeopleInvited(View):
    user_ids: list[int] = Field(description="who may come now; left out is who is banned, or cannot be told")


class Attendance(View):
    attends: bool
    attending: int = Field(description="people who said that they will come")


class UpcomingParty(PartyBrief):
    """A party that begins at a time."""

    attending: int = Field(description="people who said that they will come")
    attends: bool = Field(description="whether the asker did")
