"""What the ways into communities, and the desks of moderators, hold of a person."""

from __future__ import annotations

from collections.abc import AsyncIterator

from mypick.community.desk.models import Appeal, DeskClaim, ReporterRecord
from mypick.community.entry.models import Claim, Invite, JoinRequest
from mypick.personal.contribution import BATCH, Contribution, Rows, Section, Step, by_id, delete_batch

_COLUMNS = {
    "invite": frozenset({"actor_id"}),  # it is the community's, and goes on
    "join_request": frozenset({"user_id", "decided_by"}),
    "creator_claim": frozenset({"user_id", "decided_by"}),
    "desk_claim": frozenset({"user_id"}),
    "appeal": frozenset({"user_id", "decided_by"}),
    "purge": frozenset({"user_id", "actor_id"}),  # counts alone
    "reporter_record": frozenset({"user_id"}),
}


def contribution() -> Contribution:
    return Contribution(
        "ways in",
        _COLUMNS,
        sections=_SECTIONS,
        steps=[
            Step("requests to join", _requests),
            Step("claims", _claims),
            Step("appeals", _appeals),
            Step("answers", _answers),
            Step("desk claims", _desk_claims),
            Step("records of reporting", _records),
        ],
    )


async def _requests(user_id: int, _: int) -> int | None:
    return await delete_batch(JoinRequest.filter(user_id=user_id))


async def _claims(user_id: int, _: int) -> int | None:
    return await delete_batch(Claim.filter(user_id=user_id))


async def _appeals(user_id: int, _: int) -> int | None:
    return await delete_batch(Appeal.filter(user_id=user_id))


async def _answers(user_id: int, _: int) -> int | None:
    """What they wrote to others as moderators."""
    answered = Appeal.filter(decided_by=user_id, answer__isnull=False).order_by("id").limit(BATCH)
    ids = [row[0] for row in await answered.values_list("id")]
    if ids:
        await Appeal.filter(id__in=ids).update(answer=None)
    return 0 if len(ids) == BATCH else None


async def _desk_claims(user_id: int, _: int) -> int | None:
    return await delete_batch(DeskClaim.filter(user_id=user_id))


async def _records(user_id: int, _: int) -> int | None:
    return await delete_batch(ReporterRecord.filter(user_id=user_id))


def _asked(user_id: int) -> AsyncIterator[Rows]:
    columns = ("id", "community_id", "text", "status", "created_at", "decided_at")
    return by_id(JoinRequest.filter(user_id=user_id), columns)


def _claimed(user_id: int) -> AsyncIterator[Rows]:
    return by_id(Claim.filter(user_id=user_id), ("id", "community_id", "text", "status", "created_at", "decided_at"))


def _appealed(user_id: int) -> AsyncIterator[Rows]:
    columns = ("id", "community_id", "kind", "text", "status", "answer", "created_at", "decided_at")
    return by_id(Appeal.filter(user_id=user_id), columns)


def _invited(user_id: int) -> AsyncIterator[Rows]:
    columns = ("id", "community_id", "max_uses", "uses", "expires_at", "revoked_at", "created_at")
    return by_id(Invite.filter(actor_id=user_id), columns)


_SECTIONS = (
    Section("join-requests", "communities that you asked to join", "가입을 요청한 커뮤니티", _asked),
    Section("claims", "communities that you said are yours", "소유를 신청한 커뮤니티", _claimed),
    Section("appeals", "notes that you wrote to moderators", "운영진에게 보낸 이의", _appealed),
    Section("invites", "invites that you made", "만든 초대장", _invited),
)
