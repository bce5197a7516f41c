"""What the emulated YouTube holds: channels, their uploads, and what of them the public may see now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from demo import identifiers

Kind = Literal["video", "short", "live"]
Privacy = Literal["public", "private"]
Live = Literal["none", "upcoming", "live"]

CHANNEL_LIMIT = 20_000
VIDEO_LIMIT = 5_000  # uploads kept per channel; the oldest makes room


class Refused(Exception):
    """The world cannot do what was asked; the message says why."""


@dataclass(slots=True)
class Video:
    id: str
    channel_id: str
    title: str
    description: str
    kind: Kind
    duration_s: int
    uploaded_at: datetime
    published_at: datetime  # in the future: scheduled, and private until then
    privacy: Privacy = "public"
    deleted: bool = False
    live: Live = "none"
    planned_at: datetime | None = None
    began_at: datetime | None = None
    ended_at: datetime | None = None
    views: int | None = 0  # None: the owner hides them

    def is_public(self, now: datetime) -> bool:
        return not self.deleted and self.privacy == "public" and self.published_at <= now


@dataclass(slots=True)
class Channel:
    id: str
    title: str
    handle: str  # as shown, without @
    description: str
    created_at: datetime
    custom: str | None = None  # the name of /c/…
    user: str | None = None  # the name of /user/…
    uploads: list[Video] = field(default_factory=list)  # in the order of uploading, oldest first
    made: int = 0

    @property
    def uploads_id(self) -> str:
        return f"UU{self.id[2:]}"


class World:
    """The state alone, without any server. Times are aware, UTC."""

    def __init__(self, *, seed: int, now: Callable[[], datetime]) -> None:
        self.seed = seed
        self.now = now
        self.channels: dict[str, Channel] = {}
        self.videos: dict[str, Video] = {}
        self._names: dict[tuple[str, str], str] = {}

    def reseed(self, seed: int) -> None:
        """Give other ids to videos from now on; channels keep theirs. For a story that goes on another day: what is
        new must not carry the id of what was."""
        self.seed = seed

    def add_channel(
        self, handle: str, title: str, *, description: str = "", custom: str | None = None, user: str | None = None
    ) -> str:
        """A new channel's id. Handles, custom and user names are found without regard to case."""
        names = [("handle", handle), ("custom", custom), ("user", user)]
        taken = [(kind, name.lower()) for kind, name in names if name]
        if any(name in self._names for name in taken):
            raise Refused(f"a channel with the handle, custom or user name of @{handle} exists")
        if len(self.channels) >= CHANNEL_LIMIT:
            raise Refused(f"no more than {CHANNEL_LIMIT} channels")
        channel_id = identifiers.channel_id(self.seed, handle)
        created_at = self.now() - timedelta(days=700)
        self.channels[channel_id] = Channel(channel_id, title, handle, description, created_at, custom, user)
        self._names.update(dict.fromkeys(taken, channel_id))
        return channel_id

    def describe(self, channel_id: str, description: str) -> None:
        """Let the channel say something else about itself, as its owner can."""
        self.channel(channel_id).description = description

    def remove_channel(self, channel_id: str) -> None:
        """As when YouTube closes an account: the channel and everything of it are no more."""
        channel = self.channel(channel_id)
        for video in channel.uploads:
            self.videos.pop(video.id, None)
        self._names = {name: owner for name, owner in self._names.items() if owner != channel_id}
        del self.channels[channel_id]

    def channel(self, channel_id: str) -> Channel:
        if channel_id not in self.channels:
            raise Refused(f"there is no channel {channel_id}")
        return self.channels[channel_id]

    def video(self, video_id: str) -> Video:
        if video_id not in self.videos:
            raise Refused(f"there is no video {video_id}")
        return self.videos[video_id]

    def find(self, kind: str, name: str) -> Channel | None:
        return self.channels.get(self._names.get((kind, name.lower()), ""))

    def publish(
        self,
        channel_id: str,
        title: str,
        *,
        kind: Kind = "video",
        description: str = "",
        duration_s: int | None = None,
        views: int | None = 0,
        at: datetime | None = None,
    ) -> str:
        """Upload and publish at once, or in the past ``at``. The new video's id."""
        length = duration_s if duration_s is not None else {"video": 754, "short": 42, "live": 0}[kind]
        when = at or self.now()
        return self._upload(channel_id, title, kind, description, length, when, when, views).id

    def schedule(self, channel_id: str, title: str, publish_at: datetime, *, description: str = "") -> str:
        """Upload now, be private until ``publish_at``, and then surface at the place of the upload."""
        when = publish_at.astimezone(UTC)
        return self._upload(channel_id, title, "video", description, 754, self.now(), when, 0).id

    def schedule_live(self, channel_id: str, title: str, planned_at: datetime, *, description: str = "") -> str:
        """Announce a stream: public at once, upcoming until ``go_live``."""
        now = self.now()
        video = self._upload(channel_id, title, "live", description, 0, now, now, 0)
        video.live, video.planned_at = "upcoming", planned_at.astimezone(UTC)
        return video.id

    def go_live(self, channel_id: str, title: str = "", *, video_id: str | None = None) -> str:
        """Begin a new stream called ``title``, or the announced one ``video_id``. The stream's id."""
        if video_id is None:
            video_id = self.schedule_live(channel_id, title, self.now())
        video = self.video(video_id)
        if video.live != "upcoming" or video.channel_id != channel_id:
            raise Refused(f"{video_id} is not an announced stream of {channel_id}")
        video.live, video.began_at = "live", self.now()
        return video_id

    def end_live(self, video_id: str) -> None:
        video = self.video(video_id)
        if video.live != "live" or video.began_at is None:
            raise Refused(f"{video_id} is not live")
        video.live, video.ended_at = "none", self.now()
        video.duration_s = max(1, int((video.ended_at - video.began_at).total_seconds()))

    def make_private(self, video_id: str) -> None:
        self.video(video_id).privacy = "private"

    def make_public(self, video_id: str) -> None:
        self.video(video_id).privacy = "public"

    def delete(self, video_id: str) -> None:
        self.video(video_id).deleted = True

    def edit(self, video_id: str, *, title: str | None = None, description: str | None = None) -> None:
        video = self.video(video_id)
        video.title = video.title if title is None else title
        video.description = video.description if description is None else description

    def set_views(self, video_id: str, views: int | None) -> None:
        """None hides them."""
        self.video(video_id).views = views

    def listed(self, channel: Channel) -> list[Video]:
        """The uploads list: newest upload first, with those once public that are now private or deleted."""
        now = self.now()
        return [video for video in reversed(channel.uploads) if video.published_at <= now]

    def newest(self, channel: Channel, count: int) -> list[Video]:
        """The public ones, newest published first."""
        now = self.now()
        public = [video for video in channel.uploads if video.is_public(now)]
        return sorted(public, key=lambda video: video.published_at, reverse=True)[:count]

    def _upload(
        self,
        channel_id: str,
        title: str,
        kind: Kind,
        description: str,
        duration_s: int,
        uploaded_at: datetime,
        published_at: datetime,
        views: int | None,
    ) -> Video:
        channel = self.channel(channel_id)
        channel.made += 1
        video_id = identifiers.video_id(self.seed, channel.handle, channel.made)
        video = Video(
            video_id, channel_id, title, description, kind, duration_s, uploaded_at, published_at, views=views
        )
        channel.uploads.append(video)
        channel.uploads.sort(key=lambda each: each.uploaded_at)  # stable: equal times keep the order of making
        self.videos[video_id] = video
        if len(channel.uploads) > VIDEO_LIMIT:
            self.videos.pop(channel.uploads.pop(0).id, None)
        return video
