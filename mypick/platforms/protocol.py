"""What a platform is to the rest of MyPick: the shapes it answers with and the ways it fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal, Protocol

ReferenceKind = Literal["id", "handle", "video", "custom", "user"]
ItemKind = Literal["video", "short", "live", "post"]
LiveStatus = Literal["none", "upcoming", "live", "ended"]

HYDRATE_LIMIT = 50  # ids in one call: the most that YouTube takes at once

# Longer text from a platform is cut, so that what a client returns always fits its column.
TITLE_LIMIT = 300
CHANNEL_TITLE_LIMIT = 150
DESCRIPTION_LIMIT = 5_000
URL_LIMIT = 500
ETAG_LIMIT = 200


class PlatformError(Exception):
    """A platform did not give what was asked. Only the subclasses are raised."""


class QuotaExhausted(PlatformError):
    """The day's allowance is spent. Nothing of ``bucket`` can succeed before ``reset_at`` (aware, UTC)."""

    def __init__(self, bucket: str, reset_at: datetime, message: str = "the quota is spent") -> None:
        self.bucket = bucket
        self.reset_at = reset_at
        super().__init__(f"{message} ({bucket}, until {reset_at.isoformat()})")


class RateLimited(PlatformError):
    """Too fast. The same call can succeed after ``retry_after_s`` seconds, between 1 and 86,400."""

    def __init__(self, retry_after_s: float, message: str = "too many calls") -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"{message} (retry after {retry_after_s:g} s)")


class Gone(PlatformError):
    """The platform itself says that there is no such channel or list (any more)."""

    def __init__(self, message: str = "there is no such channel") -> None:
        super().__init__(message)


class AuthInvalid(PlatformError):
    """Our key or token is refused. Retrying cannot help; somebody must look at the settings."""

    def __init__(self, message: str = "the key is refused") -> None:
        super().__init__(message)


class Malformed(PlatformError):
    """The platform answered something that this code does not understand."""

    def __init__(self, message: str = "the answer cannot be read") -> None:
        super().__init__(message)


class Transient(PlatformError):
    """No answer, or one that will pass: try again, after ``retry_after_s`` seconds where that is told."""

    def __init__(self, retry_after_s: float | None = None, message: str = "no useful answer") -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Reference:
    """What a person pasted, understood. ``value`` has no ``@`` and no address; handles are in lower case."""

    platform: str
    kind: ReferenceKind
    value: str


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """A channel as its platform shows it. ``uploads_ref`` is the platform's name for its list of uploads."""

    platform: str
    external_id: str
    handle: str | None  # lower case, without @
    title: str
    description: str
    url: str
    avatar_url: str | None
    uploads_ref: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a creator published. Times are aware, UTC; a number not told is None, never 0."""

    external_id: str
    kind: ItemKind
    live_status: LiveStatus
    title: str
    description: str
    url: str
    image_url: str | None
    duration_s: int | None
    view_count: int | None
    published_at: datetime
    starts_at: datetime | None  # of a live stream: when it is planned to begin, or began


def _no_items() -> Mapping[str, Item]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a channel's newest things, in the platform's order, which is not the order of publishing.

    ``next`` asks for the page after it and is None on the last. With ``not_modified`` all but ``etag`` is empty.
    ``items`` holds those of ``item_ids`` that came with full data and need no ``hydrate``.
    """

    item_ids: tuple[str, ...]
    etag: str | None = None
    not_modified: bool = False
    next: str | None = None
    items: Mapping[str, Item] = field(default_factory=_no_items)


class Platform(Protocol):
    """A client of one platform. Every method that does I/O raises ``PlatformError`` and nothing else."""

    @property
    def name(self) -> str:
        """As stored with channels and content: ``youtube``."""

    def recognise(self, source: str) -> Reference | None:
        """What ``source`` (an address, handle or id as pasted) names here; None is "not mine". No I/O."""

    async def resolve(self, ref: Reference) -> ChannelInfo:
        """The channel that ``ref`` names, or ``Gone``. All names of a channel give one ``external_id``."""

    async def list_recent(
        self, external_id: str, uploads_ref: str | None, *, etag: str | None = None, page: str | None = None
    ) -> Page:
        """The newest uploads: the first page, or the one that ``page`` (a ``Page.next``) asks for.

        ``etag`` (a ``Page.etag``) makes the first page conditional.
        """

    async def hydrate(self, ids: Sequence[str], external_id: str) -> dict[str, Item]:
        """Full data of at most ``HYDRATE_LIMIT`` items of the channel ``external_id``.

        An id that the platform does not show is absent from the answer: private, deleted, of another channel,
        or (where only the newest are shown) too old. More ids are a ``ValueError``.
        """

    async def check(self) -> None:
        """Return if the platform answers us. Cheap enough for a health page: the outcome is kept a while."""

    async def aclose(self) -> None:
        """Stop. The transport belongs to whoever made it and stays open."""
