"""Telling people that they were mentioned or answered, in the transaction of the message that does it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from mypick.accounts import queries as people
from mypick.community.models import Community, Membership, Message, Sanction
from mypick.community.policy import Role
from mypick.community.standings import Place
from mypick.community.texts import excerpt, mentioned
from mypick.jobs.queue import Jobs
from mypick.notifications.announcements import Announcement, announce_to, reword, told_of
from mypick.notifications.views import Kind


@dataclass(slots=True)
class Told:
    """Who hears of a message. ``ids`` are those of the notices: one for a reply, one for mentions; none where the
    message can have neither."""

    message_id: int
    ids: Sequence[int]
    may_mention: bool = False
    anybody: bool = False


async def tell_about(
    told: Told, author_id: int, text: str, parent: Message | None, place: Place, *, jobs: Jobs, now: datetime
) -> None:
    """Write the notices and their jobs. Whoever may not read the room hears nothing; who is answered is not told of a
    mention as well."""
    answered = {parent.author_id} if parent else set()
    named = set(mentioned(text)) if told.may_mention else set()
    readers = await readers_of(place.community, (answered | named) - {author_id}, place.room.kind)
    groups: list[tuple[Kind, set[int]]] = [("reply", answered & readers), ("mention", (named - answered) & readers)]
    author = (await people.people([author_id])).get(author_id)
    for notice_id, (kind, whom) in zip(told.ids, groups, strict=True):
        announcement = Announcement(
            id=notice_id,
            key=f"{kind}:{told.message_id}",
            kind=kind,
            title=author["name"] if author else place.community.name,
            body=excerpt(text),
            url=f"/communities/{place.community.id}/rooms/{place.room.id}?message={told.message_id}",
            image_url=author["avatar_url"] if author else None,
            creator_id=place.community.creator_id,
            content_id=None,
            actor_id=author_id,
        )
        await announce_to(whom, announcement, jobs=jobs, now=now)
        told.anybody = told.anybody or bool(whom)


async def forget_text(message_ids: Collection[int]) -> None:
    """Let what quotes these messages say nothing from now on."""
    await reword([key for message_id in message_ids for key in _keys(message_id)], "")


async def quote_anew(message_id: int, text: str, community: Community, room_kind: str = "chat") -> None:
    """Let what quotes a message say ``text`` from now on. A notice is one for all who were told: where one of them may
    no longer read here, it says nothing."""
    told = await told_of(_keys(message_id))
    await reword(_keys(message_id), excerpt(text) if told <= await readers_of(community, told, room_kind) else "")


def _keys(message_id: int) -> list[str]:
    return [f"{kind}:{message_id}" for kind in ("reply", "mention")]


async def readers_of(community: Community, user_ids: set[int], room_kind: str = "chat") -> set[int]:
    """Those of ``user_ids`` who may read what is in the community, in rooms of this kind."""
    if not user_ids:
        return set()
    found = set(await people.users_exist(user_ids))
    among = {"community_id": community.id, "user_id__in": list(found)}
    banned = await Sanction.filter(**among, kind="ban").values_list("user_id", flat=True)
    if community.visibility != "public":
        found &= set(await Membership.filter(**among).values_list("user_id", flat=True))
    if room_kind == "staff":
        staff = Membership.filter(**among, rank__gte=Role.MODERATOR)
        found &= set(await staff.values_list("user_id", flat=True))
    return found - set(banned)
