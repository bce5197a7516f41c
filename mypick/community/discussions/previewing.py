"""Previews of the links in discussions and comments, as those of messages: asked for in the transaction of the post,
found by a worker, told as an event of the discussion.

What is shown always belongs to the text that is shown: a preview of another link than the one that stands there now is
shown to nobody, until the worker has looked at the new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mypick.community.discussions.models import Comment, Discussion, PostPreview
from mypick.community.discussions.streams import PREVIEWED, stream_of
from mypick.community.previewing import ask, keep
from mypick.community.streams import community_stream
from mypick.jobs.queue import Jobs
from mypick.jobs.work import Work
from mypick.previews.fetching import Found
from mypick.previews.links import first_link
from mypick.previews.service import Previews, forget_links
from mypick.streams import Append, Event, NewEvent, Streams

POST_PREVIEW = "community.post-preview"


async def ask_for_post_preview(jobs: Jobs, post_id: int, *texts: str) -> bool:
    """``ask`` of a post."""
    return await ask(jobs, POST_PREVIEW, {"post_id": post_id}, texts)


class PostPreviewing:
    """Handles the job ``community.post-preview`` with args ``{"post_id"}``: brings the preview of a post to what its
    text says now. Run again it changes nothing."""

    def __init__(self, streams: Streams, previews: Previews) -> None:
        self._streams = streams
        self._previews = previews

    async def run(self, work: Work) -> None:
        post = await _post(work.args["post_id"])
        if post is None or post.deleted_at:
            return
        url = first_link(post.text)
        found = await self._previews.of(url) if url else None
        await self._tell(post, url, found)

    async def _tell(self, post: Discussion | Comment, url: str | None, found: Found | None) -> None:
        discussion_id = post.discussion_id if isinstance(post, Comment) else post.id
        community_id = (await Discussion.get(id=discussion_id)).community_id
        streams = [community_stream(community_id), stream_of(discussion_id)]

        async def decide() -> Sequence[NewEvent]:
            now = await type(post).get(id=post.id)
            if now.deleted_at and url:
                await forget_links([url])
            if now.deleted_at or first_link(now.text) != url:
                return ()  # edited meanwhile: another job knows
            if not await keep(PostPreview, {"post_id": post.id}, url, found):
                return ()
            data: dict[str, Any] = {"discussion_id": discussion_id}
            data["comment_id"] = post.id if isinstance(post, Comment) else None
            return [NewEvent(stream_of(discussion_id), PREVIEWED, data, ref=post.id)]

        async def effect(events: Sequence[Event]) -> None:
            for event in events:
                await type(post).filter(id=post.id).update(changed_seq=event.seq)

        await self._streams.append(Append(streams=streams, decide=decide, effect=effect))


async def _post(post_id: int) -> Discussion | Comment | None:
    return await Comment.get_or_none(id=post_id) or await Discussion.get_or_none(id=post_id)

