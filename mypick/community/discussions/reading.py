"""Reading discussions: pages, trees, and what somebody gets who comes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.community import policy
from mypick.community.discussions.commands import (
    CommentSort,
    JoinDiscussion,
    JoinDiscussions,
    ReadComments,
    ReadDiscussions,
)
from mypick.community.discussions.floor import Floor
from mypick.community.discussions.lists import read_page, read_pinned
from mypick.community.discussions.models import Comment, Discussion
from mypick.community.discussions.streams import (
    PREFIX,
    Names,
    comment_data,
    discussion_data,
    named,
    previews_of,
    shown_text,
    stream_of,
)
from mypick.community.discussions.trees import Tree, cursor_behind, read_tree, replies_of
from mypick.community.discussions.views import (
    CommentInContext,
    CommentPage,
    CommentView,
    DiscussionAt,
    DiscussionBrief,
    DiscussionJoined,
    DiscussionPage,
    DiscussionsJoined,
    DiscussionView,
)
from mypick.community.discussions.visits import unread_of, visits_of
from mypick.community.discussions.votes import votes_of
from mypick.community.models import Community
from mypick.community.policy import Standing
from mypick.community.reading import brief_of, role_word
from mypick.community.streams import COMMUNITY, community_stream
from mypick.community.texts import mentioned
from mypick.control import Eviction
from mypick.errors import DomainError
from mypick.streams import Position, Streams
from mypick.streams.store import MAX_PAGE

STREAMS = (COMMUNITY, PREFIX)


class ReadingDiscussions:
    def __init__(self, floor: Floor, streams: Streams) -> None:
        self._floor = floor
        self._streams = streams

    async def may_read(self, actor: Actor, stream: str) -> bool:
        """Whether the stream is a community's or a discussion's that the actor may read."""
        prefix, _, number = stream.partition(":")
        if f"{prefix}:" not in STREAMS or not (number.isascii() and number.isdigit() and len(number) < 19):
            return False
        if stream != f"{prefix}:{int(number)}":
            return False
        try:
            if stream.startswith(COMMUNITY):
                await self._enter(actor, int(number))
            else:
                await self._enter(actor, await self._floor.community_of(int(number)))
        except DomainError:
            return False
        return True

    async def evicted_among(self, members: Sequence[tuple[str, int]]) -> list[Eviction]:
        """Those of ``members``, streams of discussions and their lists with user ids, who may not be there any more.
        Five queries."""
        numbers = {stream: int(stream.partition(":")[2]) for stream, _ in members}
        talks = [number for stream, number in numbers.items() if stream.startswith(PREFIX)]
        places = dict(await Discussion.filter(id__in=talks).values_list("id", "community_id")) if talks else {}
        of = {
            stream: number if stream.startswith(COMMUNITY) else places.get(number) for stream, number in numbers.items()
        }
        known = {row.id: row for row in await Community.filter(id__in=[one for one in set(of.values()) if one])}
        seats = [(stream, user_id, known[of[stream] or 0]) for stream, user_id in members if of[stream] in known]
        standings = await self._floor.standings.of_people([(row.id, user_id) for _, user_id, row in seats])
        evictions = []
        for stream, user_id, row in seats:
            standing = standings[row.id, user_id]
            try:
                policy.require_entry(standing, row.visibility)
            except DomainError as refused:
                reason = standing.ban.reason if standing.ban else None
                evictions.append(Eviction(stream, user_id, refused.code, reason))
        return evictions

    async def join_list(self, actor: Actor, command: JoinDiscussions) -> tuple[Position, DiscussionsJoined]:
        """What a client gets that comes in, and the position up to whose head that is true at least."""
        standing = await self._enter(actor, command.community_id)
        position, answer = await self._missed(community_stream(command.community_id), command.epoch, command.after_seq)
        page = None
        if answer["reset"]:
            page = await self._shown_page(actor, ReadDiscussions(community_id=command.community_id, sort=command.sort))
        return position, DiscussionsJoined.model_construct(**answer, role=role_word(standing), page=page)

    async def join(self, actor: Actor, command: JoinDiscussion) -> tuple[Position, DiscussionJoined]:
        """The same of one discussion."""
        standing = await self._enter(actor, await self._floor.community_of(command.discussion_id))
        position, answer = await self._missed(stream_of(command.discussion_id), command.epoch, command.after_seq)
        page = None
        if answer["reset"]:
            page = await self._comments(actor, ReadComments(discussion_id=command.discussion_id, sort=command.sort))
        discussion = await self._discussion(actor, command.discussion_id)
        return position, DiscussionJoined.model_construct(
            **answer, role=role_word(standing), discussion=discussion, page=page
        )

    async def _missed(self, stream: str, epoch: str | None, after_seq: int | None) -> tuple[Position, dict[str, Any]]:
        position = await self._streams.store.position(stream)  # first: what is read after it is never older
        if after_seq is not None:
            answer = await self._streams.store.resume(position.key, epoch, after_seq, MAX_PAGE)
            if not answer["reset"]:
                return position, answer
        return position, {
            "stream": position.key,
            "epoch": position.epoch,
            "head_seq": position.head_seq,
            "floor_seq": position.floor_seq,
            "reset": True,
            "events": [],
            "more": False,
        }

    async def page(self, actor: Actor, command: ReadDiscussions) -> DiscussionPage:
        """A page of a community's discussions. The first has the pinned ones before it, beyond its limit."""
        await self._enter(actor, command.community_id)
        return await self._shown_page(actor, command)

    async def one(self, actor: Actor, discussion_id: int) -> DiscussionAt:
        await self._enter(actor, await self._floor.community_of(discussion_id))
        position = await self._streams.store.position(stream_of(discussion_id))  # first, as in `_missed`
        shown = await self._discussion(actor, discussion_id)
        return DiscussionAt.model_construct(**dict(shown), epoch=position.epoch, head_seq=position.head_seq)

    async def comments(self, actor: Actor, command: ReadComments) -> CommentPage:
        """A page of comments under a discussion, with their first replies."""
        await self._enter(actor, await self._floor.community_of(command.discussion_id))
        return await self._comments(actor, command)

    async def replies(
        self, actor: Actor, comment_id: int, sort: CommentSort, cursor: str | None, limit: int
    ) -> CommentPage:
        """The same under one of its comments."""
        discussion_id = await self._floor.discussion_of(comment_id)
        command = ReadComments(
            discussion_id=discussion_id, parent_id=comment_id, sort=sort, cursor=cursor, limit=limit
        )
        return await self.comments(actor, command)

    async def in_context(self, actor: Actor, comment_id: int) -> CommentInContext:
        """One comment, what it answers, and its first replies: where the address of a comment leads."""
        row = await Comment.get_or_none(id=comment_id)
        if row is None:
            raise policy.absent()
        await self._enter(actor, await self._floor.community_of(row.discussion_id))
        discussion = await self._discussion(actor, row.discussion_id)
        ids = [int(number) for number in row.ancestors.split(",") if number]
        above = sorted(await Comment.filter(id__in=ids), key=lambda one: one.depth) if ids else []
        *ancestors, comment = await self._views(actor, [*above, row], await replies_of([row], "best"), "best")
        # they are shown without their children, of which the rest is then all
        shown = [one.model_copy(update={"children": [], "next_cursor": None}) for one in ancestors]
        return CommentInContext(discussion=discussion, ancestors=shown, comment=comment)

    async def _enter(self, actor: Actor, community_id: int) -> Standing:
        community, standing = await self._floor.standings.read_in(community_id, actor)
        policy.require_entry(standing, community.visibility)
        return standing

    async def _shown_page(self, actor: Actor, command: ReadDiscussions) -> DiscussionPage:
        rows, next_cursor = await read_page(
            command.community_id, command.sort, command.cursor, command.limit, self._floor.now()
        )
        if command.cursor is None:
            rows = [*await read_pinned(command.community_id), *rows]
        ids = [row.id for row in rows]
        visits, votes = await visits_of(actor.user_id, ids), await votes_of(actor.user_id, ids)
        unread = await unread_of(actor.user_id, visits)
        names: Names = await people.people(row.author_id for row in rows)
        views = []
        for row in rows:
            visit = visits.get(row.id)
            views.append(
                DiscussionBrief.model_validate(
                    {
                        **discussion_data(row),
                        "author": brief_of(names, row.author_id),
                        "created_at": row.created_at,
                        "my_vote": votes.get(row.id),
                        "follow": visit.follow if visit else "none",
                        "unread": unread.get(row.id),
                    }
                )
            )
        return DiscussionPage(discussions=views, next_cursor=next_cursor, limit=command.limit)

    async def _discussion(self, actor: Actor, discussion_id: int) -> DiscussionView:
        row = await Discussion.get(id=discussion_id)
        visits = await visits_of(actor.user_id, [row.id])
        votes, unread = await votes_of(actor.user_id, [row.id]), await unread_of(actor.user_id, visits)
        names: Names = await people.people([row.author_id, *mentioned(shown_text(row))])
        visit = visits.get(row.id)
        return DiscussionView.model_validate(
            {
                **discussion_data(row),
                "author": brief_of(names, row.author_id),
                "created_at": row.created_at,
                "my_vote": votes.get(row.id),
                "follow": visit.follow if visit else "none",
                "unread": unread.get(row.id),
                "text": shown_text(row),
                "mentions": named(shown_text(row), names),
                "preview": (await previews_of([row])).get(row.id),
                "read_seq": visit.seq if visit else None,
            }
        )

    async def _comments(self, actor: Actor, command: ReadComments) -> CommentPage:
        tree = await read_tree(
            command.discussion_id, command.parent_id, command.sort, command.cursor, command.limit
        )
        views = await self._views(actor, tree.top, tree.under, command.sort)
        return CommentPage(comments=views, next_cursor=tree.next_cursor, limit=command.limit)

    async def _views(
        self, actor: Actor, top: Sequence[Comment], under: Mapping[int, Sequence[Comment]], sort: CommentSort
    ) -> list[CommentView]:
        """Two queries, whatever the number, and one where there are links."""
        every = Tree(top, None, under).all()
        wanted = {row.author_id for row in every} | {one for row in every for one in mentioned(shown_text(row))}
        names: Names = await people.people(wanted)
        votes = await votes_of(actor.user_id, [row.id for row in every])
        previews = await previews_of(every)

        def show(row: Comment) -> CommentView:
            children = under.get(row.id, ())
            behind = cursor_behind(children[-1], sort) if children and len(children) < row.replies else None
            return CommentView.model_validate(
                {
                    **comment_data(row, names, previews),
                    "seq": row.seq,
                    "author": brief_of(names, row.author_id),
                    "created_at": row.created_at,
                    "my_vote": votes.get(row.id),
                    "children": [show(child) for child in children],
                    "next_cursor": behind,
                }
            )

        return [show(row) for row in top]
