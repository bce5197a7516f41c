"""Changing what was said: editing, deleting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.community import policy
from mypick.community.commands import DeleteMessage, EditMessage
from mypick.community.desk.touches import Touches
from mypick.community.desk.verdicts import settle
from mypick.community.indexing import forget_messages, indexed, is_found
from mypick.community.mentions import forget_text, quote_anew
from mypick.community.models import Message, MessagePreview, MessageRevision, ModerationEntry, Pin, Reaction, Report
from mypick.community.modes import require_new_text, require_open
from mypick.community.policy import Action
from mypick.community.previewing import PREVIEW, ask_for_preview
from mypick.community.rooms import Rooms, receipt
from mypick.community.standings import Place, Standings
from mypick.community.streams import DELETED, EDITED, room_of
from mypick.community.terms.rules import TextRules
from mypick.community.texts import require_revision, text_hash
from mypick.community.views import Done, Edited
from mypick.errors import Code, DomainError
from mypick.ids import Ids
from mypick.jobs.queue import Jobs
from mypick.search.index import put
from mypick.streams import Append, Event, NewEvent, Streams


class Edits:
    def __init__(
        self,
        streams: Streams,
        standings: Standings,
        rooms: Rooms,
        rules: TextRules,
        touches: Touches,
        *,
        clock: Clock,
        ids: Ids,
        jobs: Jobs,
    ) -> None:
        self._streams = streams
        self._touches = touches
        self._standings = standings
        self._rooms = rooms
        self._rules = rules
        self._clock = clock
        self._ids = ids
        self._jobs = jobs

    async def edit(self, actor: Actor, command: EditMessage) -> Edited:
        """Change what one has said. The earlier text is kept as a revision until the message is deleted."""
        room_id = await self._rooms.room_of_message(command.message_id)
        now = self._clock.now()
        kept: list[tuple[Message, Place]] = []
        linked: list[bool] = []

        async def decide() -> Sequence[NewEvent]:
            place, standing = await self._standings.locked(room_id, actor)
            await require_open(place, standing, now)
            message = await standing_message(command.message_id)
            if message.author_id != actor.user_id:
                raise DomainError(Code.FORBIDDEN, "only who wrote a message may edit it")
            require_revision(message.rev, command.rev)
            changed = text_hash(command.text) != message.text_hash
            if changed and place.room.unique_text and not policy.may(standing.role, Action.SKIP_MODE):
                await require_new_text(room_id, command.text, now)
            self._rules.require_brief(standing, command.text)
            if await self._rules.judge(place.community, standing, command.text):
                # not held: the earlier text would have to stay or to go while somebody decides
                raise DomainError(Code.FORBIDDEN, "a moderator has to look at this first: send it as a new message")
            kept[:] = [(message, place)]
            return [NewEvent(room_of(room_id), EDITED, {}, ref=message.id, actor_id=actor.user_id)]

        async def effect(events: Sequence[Event]) -> None:
            ((message, place),) = kept
            await MessageRevision.create(
                message_id=message.id, rev=message.rev, text=message.text, replaced_at=now
            )
            await Message.filter(id=message.id).update(
                text=command.text,
                text_hash=text_hash(command.text),
                rev=message.rev + 1,
                edited_at=now,
                changed_seq=events[0].seq,
            )
            if is_found(place.room.kind):
                await put([indexed(message, place.community.id, command.text)])
            await quote_anew(message.id, command.text, place.community, place.room.kind)
            linked[:] = [await ask_for_preview(self._jobs, message.id, command.text, message.text)]

        def reply(events: Sequence[Event]) -> Mapping[str, Any]:
            return {"seq": events[0].seq, "rev": command.rev + 1}

        done = await self._change(room_id, actor, "edit-message", command, decide, effect, reply)
        if any(linked):
            self._jobs.wake(PREVIEW)
        return Edited(**done)

    async def delete(self, actor: Actor, command: DeleteMessage) -> Done:
        """Take back one's own words, or a moderator somebody's. A tombstone stays; the text is then nowhere."""
        room_id = await self._rooms.room_of_message(command.message_id)
        now, entry_id = self._clock.now(), await self._ids.one()
        found: list[Message] = []
        reported: list[bool] = []

        async def decide() -> Sequence[NewEvent]:
            place, standing = await self._standings.locked(room_id, actor)
            message = await Message.get(id=command.message_id)
            own = message.author_id == actor.user_id
            # one's own words may be taken back after leaving, but not by whoever is banned
            policy.require_entry(standing, "public" if own else place.community.visibility)
            if not own:
                policy.require_voice(standing, now)
                role = await people.site_role_of(message.author_id)
                target = await self._standings.target(place.community.id, message.author_id, role or "fan")
                policy.require(standing, Action.DELETE, target)
            found[:] = [message]
            if message.deleted_at:
                return ()
            data = {"message_id": message.id, "by_moderator": not own}
            return [NewEvent(room_of(room_id), DELETED, data, ref=message.id, actor_id=actor.user_id)]

        async def effect(events: Sequence[Event]) -> None:
            (message,) = found
            if not events:
                return
            community_id = await self._rooms.community_of(room_id)
            reported[:] = [await Report.filter(message_id=message.id, outcome=None).exists()]
            if reported[0]:
                await self._touches.touch(community_id, "report", message.id)
            if message.author_id != actor.user_id:
                await settle(community_id, [message.id], agreed=True)
            await erase([message.id], now, events[0].seq)
            if message.author_id != actor.user_id:
                await ModerationEntry.create(
                    id=entry_id,
                    community_id=community_id,
                    room_id=room_id,
                    actor_id=actor.user_id,
                    action="delete-message",
                    user_id=message.author_id,
                    message_id=message.id,
                    reason=command.reason,
                    details={},
                    at=now,
                )

        def reply(events: Sequence[Event]) -> Mapping[str, Any]:
            return {"seq": events[0].seq if events else found[0].changed_seq}

        done = await self._change(room_id, actor, "delete-message", command, decide, effect, reply)
        if reported == [True]:
            self._touches.wake()
        return Done(**done)

    async def _change(
        self,
        room_id: int,
        actor: Actor,
        name: str,
        command: EditMessage | DeleteMessage,
        decide: Any,
        effect: Any,
        reply: Callable[[Sequence[Event]], Mapping[str, Any]],
    ) -> Mapping[str, Any]:
        with self._standings.asking(room_id, actor.user_id):
            done = await self._streams.append(
                Append(
                    streams=[room_of(room_id)],
                    decide=decide,
                    effect=effect,
                    receipt=receipt(actor, name, command),
                    reply=reply,
                )
            )
        return done.reply


async def standing_message(message_id: int) -> Message:
    """A message that still has its text; the caller holds its room's lock."""
    message = await Message.get(id=message_id)
    if message.deleted_at:
        raise DomainError(Code.GONE, "this message was deleted")
    if message.hidden_at:
        raise DomainError(Code.LOCKED, "readers reported this message: wait until a moderator has looked")
    return message


async def erase(message_ids: Sequence[int], now: datetime, seq: int) -> None:
    """Make tombstones: texts, revisions, what the search index has, reactions, pins and what notifications and reports
    quote are gone. The caller holds the room's lock."""
    ids = list(message_ids)
    await forget_messages(await Message.filter(id__in=ids))
    await Message.filter(id__in=ids).update(text="", text_hash="", deleted_at=now, hidden_at=None, changed_seq=seq)
    await MessageRevision.filter(message_id__in=ids).delete()
    await MessagePreview.filter(message_id__in=ids).delete()
    await Reaction.filter(message_id__in=ids).delete()
    await Pin.filter(message_id__in=ids).delete()
    await Report.filter(message_id__in=ids).update(reason="")  # which may quote it
    await Report.filter(message_id__in=ids, outcome=None).update(outcome="deleted")
    await forget_text(ids)
