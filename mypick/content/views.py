"""What is shown of content."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mypick.wire import Instant, View


class CreatorBrief(View):
    id: int
    name: str
    avatar_url: str | None


class ContentView(View):
    id: int
    creator: CreatorBrief
    platform: str = Field(examples=["youtube"])
    kind: Literal["video", "short", "live", "post"]
    live_status: Literal["none", "upcoming", "live", "ended"]
    title: str
    url: str
    image_url: str | None
    duration_s: int | None = Field(description="seconds; null where the platform has not told")
    view_count: str | None = Field(
        description="digits; a string, for it may exceed 53 bits. Null is not told", examples=["1204"]
    )
    published_at: Instant
    starts_at: Instant | None = Field(description="of an upcoming live stream")
