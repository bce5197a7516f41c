"""Telling people of posts: whom they mention, whom they answer, and who follows the discussion."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from mypick.accounts import queries as people
from mypick.community.discussions.models import Comment, Discussion, Visit
from mypick.community.mentions import readers_of
from mypick.community.models import Community
from mypick.community.texts import excerpt, mentioned
from mypick.jobs.queue import Jobs
from mypick.notifications.announcements import Announcement, announce_to
from mypick.notifications.views import Kind

MAX_TOLD = 200  # followers whom one comment tells; those behind them hear of the next
IDS = 2  # of notices that one post may need: for whom it answers or who follows, and for whom it mentions


@dataclass(slots=True)
class Told:
    """``ids`` are those of the notices, from ``Ids``."""

    ids: Sequence[int]
    may_mention: bool = False
    anybody: bool = False


async def tell_of_discussion(
    told: Told, discussion: Discussion, community: Community, *, jobs: Jobs, now: datetime
) -> None:
    """Whom it mentions, inside the transaction that begins it."""
    named = set(mentioned(discussion.text)) if told.may_mention else set()
    readers = await readers_of(community, named - {discussion.author_id})
    path = page_of_post(community.id, discussion.id)
    post = (discussion.id, discussion.author_id, discussion.text)
    await _announce(told, [("mention", named & readers)], post, path, community, jobs, now)


async def tell_of_comment(
    told: Told,
    comment: Comment,
    answered_id: int,
    discussion: Discussion,
    community: Community,
    *,
    jobs: Jobs,
    now: datetime,
) -> None:
    """Whoever is answered, mentioned or follows, each once, inside the transaction of the comment. Who muted the
    discussion hears nothing. A follower hears of the first comment since the last reading and of no other, so a thread
    of ten thousand comments is one notice for whoever stays away."""
    named = set(mentioned(comment.text)) if told.may_mention else set()
    news = Visit.filter(discussion_id=discussion.id, follow="following", told=False).exclude(user_id=comment.author_id)
    followers = {row[0] for row in await news.order_by("id").limit(MAX_TOLD).values_list("user_id")}
    wanted = {answered_id, *named, *followers} - {comment.author_id}
    muted = Visit.filter(discussion_id=discussion.id, user_id__in=list(wanted), follow="muted")
    wanted -= {row[0] for row in await muted.values_list("user_id")} if wanted else set()
    readers = await readers_of(community, wanted)
    answered = ({answered_id} | followers) & readers
    groups: list[tuple[Kind, set[int]]] = [("reply", answered), ("mention", (named & readers) - answered)]
    path = page_of_post(community.id, discussion.id, comment.id)
    await _announce(told, groups, (comment.id, comment.author_id, comment.text), path, community, jobs, now)
    if followers:
        await Visit.filter(discussion_id=discussion.id, user_id__in=list(followers)).update(told=True)


def page_of_post(community_id: int, discussion_id: int, comment_id: int | None = None) -> str:
    """The address of a discussion, or of one comment in it."""
    path = f"/communities/{community_id}/discussions/{discussion_id}"
    return path if comment_id is None else f"{path}?comment={comment_id}"


async def _announce(
    told: Told,
    groups: Sequence[tuple[Kind, Collection[int]]],
    post: tuple[int, int, str],
    path: str,
    community: Community,
    jobs: Jobs,
    now: datetime,
) -> None:
    post_id, author_id, text = post
    author = (await people.people([author_id])).get(author_id) if any(whom for _, whom in groups) else None
    for notice_id, (kind, whom) in zip(told.ids, groups, strict=False):
        announcement = Announcement(
            id=notice_id,
            key=f"{kind}:{post_id}",
            kind=kind,
            title=author["name"] if author else community.name,
            body=excerpt(text),
            url=path,
            image_url=author["avatar_url"] if author else None,
            creator_id=community.creator_id,
            content_id=None,
            actor_id=author_id,
        )
        await announce_to(whom, announcement, jobs=jobs, now=now)
        told.anybody = told.anybody or bool(whom)
