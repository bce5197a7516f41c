"""What the REST door's tests put in place of parts outside this process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from argon2 import Parameters
from argon2.low_level import Type

from mypick.platforms.protocol import ChannelInfo, Gone, Item, Page, Reference

QUICK = Parameters(type=Type.ID, version=19, salt_len=16, hash_len=32, time_cost=1, memory_cost=8, parallelism=1)


class Unlimited:
    """Accounts have limits of their own, which their own tests prove."""

    async def spend(self, name: str, **_: object) -> None: ...


VIDEOS = "https://tube.example/watch/"


def _video(external_id: str) -> Item:
    return Item(
        external_id=external_id,
        kind="video",
        live_status="none",
        title=f"the video {external_id}",
        description="",
        url=VIDEOS + external_id,
        image_url=None,
        duration_s=300,
        view_count=None,
        published_at=datetime(2020, 1, 1, tzinfo=UTC),
        starts_at=None,
    )


class HandlePlatform:
    """Knows every handle that begins with ``@`` and none that begins with ``@gone``; every video at ``tube.example``,
    all of the channel ``@tube``, and shows none that begins with ``private``."""

    name = "youtube"

    def recognise(self, source: str) -> Reference | None:
        if source.startswith(VIDEOS):
            return Reference("youtube", "video", source.removeprefix(VIDEOS))
        return Reference("youtube", "handle", source[1:].lower()) if source.startswith("@") else None

    async def resolve(self, ref: Reference) -> ChannelInfo:
        if ref.kind == "video":
            ref = Reference("youtube", "handle", "tube")
        if ref.value.startswith("gone"):
            raise Gone
        return ChannelInfo(
            platform="youtube",
            external_id=f"UC{ref.value}"[:64],
            handle=ref.value[:100],
            title=ref.value.title()[:150],
            description="",
            url=f"https://www.youtube.com/@{ref.value}"[:500],
            avatar_url=None,
            uploads_ref=None,
        )

    async def list_recent(
        self, external_id: str, uploads_ref: str | None, *, etag: str | None = None, page: str | None = None
    ) -> Page:
        return Page(item_ids=())

    async def hydrate(self, ids: Sequence[str], external_id: str) -> dict[str, Item]:
        shown = [one for one in ids if external_id == "UCtube" and not one.startswith("private")]
        return {one: _video(one) for one in shown}

    async def check(self) -> None: ...

    async def aclose(self) -> None: ...
