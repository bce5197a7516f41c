"""What is shown of creators."""

from __future__ import annotations

from pydantic import Field

from mypick.wire import Instant, View


class ChannelView(View):
    platform: str = Field(examples=["youtube"])
    handle: str | None = Field(description="without @", examples=["example"])
    url: str = Field(examples=["https://www.youtube.com/@example"])


class CreatorView(View):
    id: int
    name: str
    description: str
    avatar_url: str | None
    category: str | None
    subscriber_count: int = Field(description="followers here, not on the platform")
    subscribed: bool = Field(description="whether the asker follows; false where nobody is signed in")
    channels: list[ChannelView]
    created_at: Instant


class SubscriptionState(View):
    subscribed: bool
