"""What is said in a party: sent, deleted, read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from mypick.accounts import queries as people
from mypick.accounts.actor import Actor
from mypick.clock import Clock
from mypick.errors import not_found
from mypick.ids import Ids
from mypick.pagination import Page, decode_cursor, encode_cursor, page_of
from mypick.streams import Append, Event, NewEvent, Streams
from mypick.watchparty import policy
from mypick.watchparty.chat.commands import DeletePartyMessage, SendPartyMessage
from mypick.watchparty.chat.models import PartyMessage
from mypick.watchparty.chat.position import said_at
from mypick.watchparty.chat.showing import Said
from mypick.watchparty.chat.views import PartyMessageEvent, PartyMessageSent
from mypick.watchparty.hosts import member_of
from mypick.watchparty.models import WatchParty
from mypick.watchparty.policy import Role
from mypick.watchparty.reading import Reading
from mypick.watchparty.streams import MESSAGE_CREATED, MESSAGE_DELETED, party_stream
from mypick.watchparty.turn import Turns, receipt, timeline_of
from mypick.watchparty.views import Done

_LIST = "party-messages"


class Meter(Protocol):
    """A limit that is decided at once."""

    def spend(self, key: int) -> object: ...


class Window(Protocol):
    """A limit on what is kept."""

    @property
    def amount(self) -> int: ...

    def require(self, age_s: float | None) -> None: ...


class Rules(Protocol):
    """What may be said around a creator."""

    async def require(
        self, creator_id: int, user_id: int, text: str, *, message_id: int, now: datetime, own: bool, trusted: bool
    ) -> None: ...


class Chat:
    """``of_person`` bounds how often one person speaks, as each node counts it; ``of_party`` how much all in one party
    say together, over all nodes: in a party of 5,000 each message goes to 5,000."""

    def __init__(
        self,
        turns: Turns,
        streams: Streams,
        reading: Reading,
        said: Said,
        rules: Rules,
        *,
        of_person: Meter,
        of_party: Window,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._turns = turns
        self._streams = streams
        self._reading = reading
        self._said = said
        self._rules = rules
        self._of_person = of_person
        self._of_party = of_party
        self._clock = clock
        self._ids = ids

    async def send(self, actor: Actor, command: SendPartyMessage) -> PartyMessageSent:
        """Say something. Looked at in this order, so that a retry of what was sent is never refused: the cid, who is
        there, the rates, the rules of the creator's community. All of it under the lock of the party's stream."""
        await self._turns.require(command.party_id)
        stream, message_id = party_stream(command.party_id), await self._ids.one()
        said: list[PartyMessage] = []

        async def decide() -> Sequence[NewEvent]:
            now = self._clock.now()
            party = await WatchParty.get(id=command.party_id)
            member = policy.require_present(party, await member_of(party.id, actor.user_id))
            policy.require_open(party)
            self._of_person.spend(actor.user_id)
            await self._require_quiet(party.id, now)
            leads = policy.rank_of(party, member, actor.user_id, actor.role) >= Role.COHOST
            await self._rules.require(
                party.creator_id,
                actor.user_id,
                command.text,
                message_id=message_id,
                now=now,
                own=party.visibility == "community",
                trusted=leads or party.visibility == "invite",  # who was asked to come is known to those who hear it
            )
            timeline = timeline_of(party)
            said[:] = [
                PartyMessage(
                    id=message_id,
                    party_id=party.id,
                    author_id=actor.user_id,
                    text=command.text,
                    content_id=timeline.content_id,
                    position_ms=said_at(timeline, self._turns.now_ms(), command.position_ms),
                    created_at=now,
                )
            ]
            return [NewEvent(stream, MESSAGE_CREATED, {}, ref=message_id, actor_id=actor.user_id, id=message_id)]

        async def write(events: Sequence[Event]) -> None:  # at once: whoever speaks next in this transaction is counted
            said[0].seq = events[0].seq
            await PartyMessage.bulk_create(said)

        def reply(events: Sequence[Event]) -> Mapping[str, Any]:
            return {"id": message_id, "seq": events[0].seq, "position_ms": said[0].position_ms}

        done = await self._streams.append(
            Append(
                streams=[stream],
                decide=decide,
                effect=write,
                receipt=receipt(actor, "party-message", command),
                reply=reply,
            )
        )
        return PartyMessageSent(**done.reply, duplicate=done.duplicate)

    async def _require_quiet(self, party_id: int, now: datetime) -> None:
        """Under the lock of the party's stream, so that no node counts without what another has just written."""
        newest = PartyMessage.filter(party_id=party_id).order_by("-seq").offset(self._of_party.amount - 1)
        row = await newest.first().values_list("created_at")
        self._of_party.require(None if row is None else (now - row[0]).total_seconds())

    async def delete(self, actor: Actor, command: DeletePartyMessage) -> Done:
        """Take back one's own words, also when the party is over; host, co-hosts and those who keep order on the site
        take away what people of a lower rank said. A tombstone stays, and the text is nowhere then."""
        await self._turns.require(command.party_id)
        stream = party_stream(command.party_id)
        role_of_author: dict[int, str] = {}
        if known := await PartyMessage.get_or_none(id=command.message_id, party_id=command.party_id):
            role_of_author = await people.site_roles_of([known.author_id])

        async def decide() -> Sequence[NewEvent]:
            message = await PartyMessage.get_or_none(id=command.message_id, party_id=command.party_id)
            own = message is not None and message.author_id == actor.user_id
            if not own:
                party = await WatchParty.get(id=command.party_id)
                member = await member_of(party.id, actor.user_id)
                policy.require_known(party, member, actor.user_id, actor.role)
            if message is None:
                raise not_found("message in this party")
            if not own:
                author = await member_of(party.id, message.author_id)
                site_role = role_of_author.get(message.author_id, "fan")
                policy.require_above(
                    policy.rank_of(party, member, actor.user_id, actor.role),
                    policy.rank_of(party, author, message.author_id, site_role),
                )
            if message.deleted_at is not None:
                return ()
            return [
                NewEvent(
                    stream,
                    MESSAGE_DELETED,
                    {"message_id": message.id, "by_moderator": not own},
                    ref=message.id,
                    actor_id=actor.user_id,
                )
            ]

        async def effect(events: Sequence[Event]) -> None:
            if events:
                await erase([command.message_id], self._clock.now())

        done = await self._streams.append(
            Append(
                streams=[stream],
                decide=decide,
                effect=effect,
                receipt=receipt(actor, "delete-message", command),
                reply=lambda events: {"seq": events[0].seq if events else None},
            )
        )
        return Done(**done.reply)

    async def history(
        self, actor: Actor, party_id: int, cursor: str | None, limit: int
    ) -> Page[PartyMessageEvent]:
        """What was said, as it is now, the newest first."""
        await self._reading.entered(actor, party_id)
        query = PartyMessage.filter(party_id=party_id)
        if cursor is not None:
            (before,) = decode_cursor(cursor, _LIST, int)
            query = query.filter(seq__lt=before)
        rows = await query.order_by("-seq").limit(limit + 1)
        shown = {event["id"]: event for event in await self._said.events(party_id, rows[:limit])}
        return page_of(
            rows,
            limit,
            lambda row: PartyMessageEvent.model_validate(shown[row.id]),
            lambda row: encode_cursor(_LIST, row.seq),
        )


async def erase(message_ids: Sequence[int], now: datetime) -> None:
    """Make tombstones of messages, in the caller's transaction."""
    await PartyMessage.filter(id__in=list(message_ids)).update(text="", deleted_at=now)
