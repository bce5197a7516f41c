"""Changing what was written: editing, deleting."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from tortoise.expressions import F

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.community import policy
from mypick.community.desk.touches import Touches
from mypick.community.desk.verdicts import settle
from mypick.community.discussions import counts
from mypick.community.discussions.burying import bury_comments, bury_discussion
from mypick.community.discussions.commands import DeleteComment, DeleteDiscussion, EditComment, EditDiscussion
from mypick.community.discussions.counts import ALL_BUT_VOTES, CountJobs
from mypick.community.discussions.floor import Floor, Held, require_shown, seq_in, standing_comment, standing_discussion
from mypick.community.discussions.indexing import indexed, together
from mypick.community.discussions.models import Comment, Discussion, PostRevision
from mypick.community.discussions.previewing import POST_PREVIEW, ask_for_post_preview
from mypick.community.discussions.streams import COMMENT_DELETED, COMMENT_EDITED, DELETED, EDITED, stream_of
from mypick.community.mentions import quote_anew
from mypick.community.models import ModerationEntry, Report
from mypick.community.policy import Action
from mypick.community.streams import community_stream
from mypick.community.terms.rules import TextRules
from mypick.community.texts import require_revision
from mypick.community.views import Done, Edited
from mypick.errors import Code, DomainError
from mypick.ids import Ids
from mypick.jobs.queue import Jobs
from mypick.search.index import put
from mypick.streams import Event, NewEvent

Require = Callable[[Held, Discussion | Comment], Awaitable[None]]


class Deletion(Protocol):
    """A command that deletes."""

    @property
    def reason(self) -> str | None: ...


class PostEdits:
    def __init__(
        self, floor: Floor, count_jobs: CountJobs, rules: TextRules, touches: Touches, *, ids: Ids, jobs: Jobs
    ) -> None:
        self._floor = floor
        self._jobs = jobs
        self._touches = touches
        self._rules = rules
        self._count_jobs = count_jobs
        self._ids = ids

    async def edit_discussion(self, actor: Actor, command: EditDiscussion) -> Edited:
        """Change title and text of one's own. What stood there is kept as a revision until it is deleted."""
        discussion_id = command.discussion_id
        community_id = await self._floor.community_of(discussion_id)
        found: list[tuple[Discussion, Held]] = []
        linked: list[bool] = []

        async def decide() -> Sequence[NewEvent]:
            held = await self._floor.hold_discussion(discussion_id, actor)
            row = standing_discussion(held.discussion)
            await self._require_own(held, row, command.rev, together(command.title, command.text))
            found[:] = [(row, held)]
            return [
                NewEvent(stream, EDITED, {}, ref=row.id, actor_id=actor.user_id)
                for stream in (stream_of(discussion_id), community_stream(community_id))
            ]

        async def effect(events: Sequence[Event]) -> None:
            ((row, held),) = found
            await _keep(row, held.now)
            await Discussion.filter(id=row.id).update(
                title=command.title,
                text=command.text,
                rev=row.rev + 1,
                edited_at=held.now,
                changed_seq=seq_in(events, stream_of(discussion_id)),
            )
            await put([indexed(row, community_id, together(command.title, command.text))])
            await quote_anew(row.id, command.text, held.community)
            linked.append(await ask_for_post_preview(self._jobs, row.id, command.text, row.text))

        done = await self._floor.change(
            actor, "edit-discussion", command, community_id=community_id, discussion_id=discussion_id,
            decide=decide, effect=effect, reply=_edited(command.rev),
        )  # fmt: skip
        if any(linked):
            self._jobs.wake(POST_PREVIEW)
        return Edited(**done.reply)

    async def edit_comment(self, actor: Actor, command: EditComment) -> Edited:
        """Change one's own words, as in ``edit_discussion``."""
        discussion_id = await self._floor.discussion_of(command.comment_id)
        community_id = await self._floor.community_of(discussion_id)
        found: list[tuple[Comment, Held]] = []
        linked: list[bool] = []

        async def decide() -> Sequence[NewEvent]:
            held = await self._floor.hold_discussion(discussion_id, actor)
            row = await standing_comment(command.comment_id)
            await self._require_own(held, row, command.rev, command.text)
            found[:] = [(row, held)]
            return [NewEvent(stream_of(discussion_id), COMMENT_EDITED, {}, ref=row.id, actor_id=actor.user_id)]

        async def effect(events: Sequence[Event]) -> None:
            ((row, held),) = found
            await _keep(row, held.now)
            await Comment.filter(id=row.id).update(
                text=command.text, rev=row.rev + 1, edited_at=held.now, changed_seq=events[0].seq
            )
            await put([indexed(row, community_id, command.text)])
            await quote_anew(row.id, command.text, held.community)
            linked.append(await ask_for_post_preview(self._jobs, row.id, command.text, row.text))

        done = await self._floor.change(
            actor, "edit-comment", command, community_id=community_id, discussion_id=discussion_id,
            decide=decide, effect=effect, reply=_edited(command.rev),
        )  # fmt: skip
        if any(linked):
            self._jobs.wake(POST_PREVIEW)
        return Edited(**done.reply)

    async def delete_discussion(self, actor: Actor, command: DeleteDiscussion) -> Done:
        """Take back one's own, or a moderator somebody's. Its title and text are then nowhere; what others said in it
        stays, and can be read by whoever has the address."""
        return await self.take_down_discussion(actor, "delete-discussion", command, command.discussion_id)

    async def take_down_discussion(
        self, actor: Actor, name: str, command: Deletion, discussion_id: int, require: Require | None = None
    ) -> Done:
        """The same for any command ``name``; ``require`` refuses what else it must, under the locks."""
        community_id = await self._floor.community_of(discussion_id)
        entry_id = await self._ids.one()
        found: list[Held] = []

        async def decide() -> Sequence[NewEvent]:
            held = await self._hold_to_delete(discussion_id, actor, None)
            if require:
                await require(held, held.discussion)
            found[:] = [held]
            if held.discussion.deleted_at:
                return ()
            data = {"discussion_id": discussion_id, "by_moderator": held.discussion.author_id != actor.user_id}
            return [
                NewEvent(stream, DELETED, data, ref=discussion_id, actor_id=actor.user_id)
                for stream in (stream_of(discussion_id), community_stream(community_id))
            ]

        async def effect(events: Sequence[Event]) -> None:
            (held,) = found
            if not events:
                return
            await self._settle(actor, held, held.discussion)
            await bury_discussion(held.discussion, seq_in(events, stream_of(discussion_id)), held.now)
            await self._note(entry_id, held, actor, held.discussion, command.reason)

        def reply(events: Sequence[Event]) -> Mapping[str, Any]:
            return {"seq": seq_in(events, stream_of(discussion_id)) if events else found[0].discussion.changed_seq}

        done = await self._floor.change(
            actor, name, command, community_id=community_id, discussion_id=discussion_id,
            decide=decide, effect=effect, reply=reply,
        )  # fmt: skip
        self._touches.wake()
        return Done(**done.reply)

    async def delete_comment(self, actor: Actor, command: DeleteComment) -> Done:
        """Take back one's own words, or a moderator somebody's. A tombstone stays, under which the answers hang."""
        return await self.take_down_comment(actor, "delete-comment", command, command.comment_id)

    async def take_down_comment(
        self, actor: Actor, name: str, command: Deletion, comment_id: int, require: Require | None = None
    ) -> Done:
        """As ``take_down_discussion``."""
        discussion_id = await self._floor.discussion_of(comment_id)
        community_id = await self._floor.community_of(discussion_id)
        entry_id, event_id = await self._ids.take(2)  # what else is told takes the two that the streams give
        found: list[tuple[Held, Comment, counts.Telling | None]] = []

        async def decide() -> Sequence[NewEvent]:
            row = await Comment.get(id=comment_id)
            held = await self._hold_to_delete(discussion_id, actor, row)
            if require:
                await require(held, row)
            found[:] = [(held, row, None)]
            if row.deleted_at:
                return ()
            held.discussion.comments -= 1
            telling = counts.tell(held.discussion, ALL_BUT_VOTES, held.now)
            found[:] = [(held, row, telling)]
            data = {"comment_id": row.id, "by_moderator": row.author_id != actor.user_id}
            stream, by = stream_of(discussion_id), actor.user_id
            event = NewEvent(stream, COMMENT_DELETED, data, ref=row.id, actor_id=by, id=event_id)
            return [event, *telling.events]

        async def effect(events: Sequence[Event]) -> None:
            ((held, row, telling),) = found
            if telling is None:
                return
            await self._settle(actor, held, row)
            await bury_comments([row], [events[0].seq], community_id, held.now)
            await Discussion.filter(id=discussion_id).update(comments=F("comments") - 1, **telling.columns)
            await self._count_jobs.ask(held.discussion, telling)
            await self._note(entry_id, held, actor, row, command.reason)

        def reply(events: Sequence[Event]) -> Mapping[str, Any]:
            return {"seq": events[0].seq if events else found[0][1].changed_seq}

        done = await self._floor.change(
            actor, name, command, community_id=community_id, discussion_id=discussion_id,
            decide=decide, effect=effect, reply=reply,
        )  # fmt: skip
        self._touches.wake()
        return Done(**done.reply)

    async def _hold_to_delete(self, discussion_id: int, actor: Actor, comment: Comment | None) -> Held:
        """One's own may be taken back after leaving, but not by whoever is banned."""
        community_id = await self._floor.community_of(discussion_id)
        community, standing = await self._floor.standings.locked_in(community_id, actor)
        discussion = await Discussion.get(id=discussion_id)
        author_id = discussion.author_id if comment is None else comment.author_id
        own = author_id == actor.user_id
        policy.require_entry(standing, "public" if own else community.visibility)
        if not own:
            policy.require_voice(standing, self._floor.now())
            role = await people.site_role_of(author_id)
            target = await self._floor.standings.target(community_id, author_id, role or "fan")
            policy.require(standing, Action.DELETE_POST, target)
        return Held(community, standing, discussion, self._floor.now())

    async def _settle(self, actor: Actor, held: Held, post: Discussion | Comment) -> None:
        """What a moderator deletes was reported rightly; who takes it back decides nothing."""
        if not await Report.filter(message_id=post.id, outcome=None).exists():
            return
        if post.author_id != actor.user_id:
            await settle(held.community.id, [post.id], agreed=True)
        await self._touches.touch(held.community.id, "report", post.id)

    @staticmethod
    async def _note(
        entry_id: int, held: Held, actor: Actor, post: Discussion | Comment, reason: str | None
    ) -> None:
        if post.author_id == actor.user_id:
            return
        details = {"discussion_id": held.discussion.id}
        if isinstance(post, Comment):
            details["comment_id"] = post.id
        await ModerationEntry.create(
            id=entry_id,
            community_id=held.community.id,
            actor_id=actor.user_id,
            action="delete-comment" if isinstance(post, Comment) else "delete-discussion",
            user_id=post.author_id,
            reason=reason,
            details=details,
            at=held.now,
        )

    async def _require_own(self, held: Held, row: Discussion | Comment, rev: int, text: str) -> None:
        policy.require_voice(held.standing, held.now)
        policy.require(held.standing, Action.DISCUSS)
        if row.author_id != held.standing.user_id:
            raise DomainError(Code.FORBIDDEN, "only who wrote it may edit it")
        require_shown(row)
        require_revision(row.rev, rev)
        if await self._rules.judge(held.community, held.standing, text):
            raise DomainError(Code.FORBIDDEN, "a moderator has to look at this first: write anew")


async def _keep(row: Discussion | Comment, now: datetime) -> None:
    title = row.title if isinstance(row, Discussion) else ""
    await PostRevision.create(post_id=row.id, rev=row.rev, title=title, text=row.text, replaced_at=now)


def _edited(rev: int) -> Any:
    def reply(events: Sequence[Event]) -> Mapping[str, Any]:
        return {"seq": events[0].seq, "rev": rev + 1}

    return reply
