"""Sessions: opened by a log-in, carried on by rotating refresh tokens, listed, ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from tortoise.expressions import Q

from mypick import db
from mypick.accounts.actor import Actor
from mypick.accounts.commands import EndSession
from mypick.accounts.device import Device
from mypick.accounts.models import RefreshToken, Session, User
from mypick.accounts.policy import require_scope, require_session
from mypick.accounts.ports import Cache, OnSessionEnded
from mypick.accounts.tokens import Claims, Tokens, digest
from mypick.accounts.views import SessionView
from mypick.clock import Clock
from mypick.errors import Code, DomainError, not_found
from mypick.gathering import Gathering

log = structlog.get_logger(__name__)

MAXIMUM = 50  # live sessions of one user; the next log-in ends the one that was used longest ago
CACHE_SECONDS = 30.0  # that a node may believe a session live without asking; ending one clears it at once
KEPT_AFTER_END = timedelta(days=30)  # so that a person can be told later what happened
PURGE_LIMIT = 1_000  # sessions one sweep deletes

SessionIds = list[int]  # inside the class below ``list`` is a method


@dataclass(frozen=True, slots=True)
class Opened:
    """A session and the only readable copy of its refresh token. ``displaced``: sessions that made room."""

    user: User
    session_id: int
    refresh_token: str
    displaced: SessionIds


class Sessions:
    """``open`` is for this feature alone; ``list``, ``end`` and ``end_all_others`` are what a person does."""

    def __init__(self, clock: Clock, tokens: Tokens, on_session_ended: OnSessionEnded, cache: Cache) -> None:
        self._clock = clock
        self._tokens = tokens
        self._on_session_ended = on_session_ended
        self._cache = cache
        self._roles = Gathering(self._load_roles)

    async def list(self, actor: Actor) -> list[SessionView]:
        """The actor's live sessions, at most MAXIMUM, the one used last first."""
        require_scope(actor, "read")
        rows = await self._live(actor.user_id).order_by("-last_used_at", "-id").limit(MAXIMUM)
        return [
            SessionView(
                id=row.id,
                current=row.id == actor.session_id,
                user_agent=row.user_agent,
                address=row.address,
                created_at=row.created_at,
                last_used_at=row.last_used_at,
            )
            for row in rows
        ]

    async def end(self, actor: Actor, command: EndSession, reason: str = "ended") -> None:
        """End one of the actor's sessions; one that has ended is no error, another's is ``NOT_FOUND``."""
        require_session(actor)
        own = Session.filter(id=command.session_id, user_id=actor.user_id)
        if await own.filter(ended_at__isnull=True).update(ended_at=self._clock.now(), end_reason=reason):
            await self.announce_end(actor.user_id, [command.session_id], reason)
        elif not await own.exists():
            raise not_found("session")

    async def end_all_others(self, actor: Actor) -> int:
        """End every session of the actor but the one that asks. How many there were."""
        current = require_session(actor)
        async with db.transaction():
            ended = await self.mark_others_ended(actor.user_id, current, "ended")
        await self.announce_end(actor.user_id, ended, "ended")
        return len(ended)

    async def open(self, user: User, device: Device) -> Opened:
        """A new session of ``user``, whose row the caller has locked in the open transaction."""
        now = self._clock.now()
        live = await self._live(user.id).order_by("-last_used_at", "-id").only("id")
        displaced = [row.id for row in live[MAXIMUM - 1 :]]
        await self._mark_ended(displaced, "displaced", now)
        session = await Session.create(
            user_id=user.id,
            user_agent=device.user_agent,
            address=device.address,
            created_at=now,
            last_used_at=now,
            expires_at=now + timedelta(seconds=self._tokens.refresh_life),
        )
        token = await self._issue(user, session.id, now)
        return Opened(user, session.id, token, displaced)

    async def rotate(self, claims: Claims, token: str, device: Device) -> Opened:
        """Trade ``token`` for the next one of its session, under the session row's lock.

        The store keeps the newest token and the one before it. One with our signature that is neither was
        traded in earlier: like one that was used, it is in two hands, one of them a thief's. Then the session
        ends, which is committed before the error is raised.
        """
        now = self._clock.now()
        async with db.transaction():
            family = Session.filter(id=claims.session_id, user_id=claims.user_id)
            session = await family.select_for_update().first()
            user = await User.get_or_none(id=claims.user_id)
            if session is None or user is None:
                raise ended()
            if session.ended_at is not None or session.expires_at <= now:
                raise ended()
            shown = await RefreshToken.get_or_none(session_id=session.id, token_hash=digest(token))
            reused = shown is None or shown.used_at is not None
            if shown is None or shown.used_at is not None:
                await self._mark_ended([session.id], "reuse", now)
            else:
                await RefreshToken.filter(session_id=session.id).exclude(id=shown.id).delete()
                await RefreshToken.filter(id=shown.id).update(used_at=now)
                next_token = await self._issue(user, session.id, now)
                await Session.filter(id=session.id).update(**self._used(session, device, now))
        if reused:
            log.warning("a refresh token was used twice", user_id=user.id, session_id=session.id)
            await self.announce_end(user.id, [session.id], "reuse")
            raise DomainError(
                Code.UNAUTHENTICATED,
                "this refresh token was used before, so its session has been ended for safety; log in again",
            )
        return Opened(user, session.id, next_token, [])

    async def role_of(self, claims: Claims, *, kept: bool = True) -> str:
        """The present role of the user of a live session; ``UNAUTHENTICATED`` if the session has ended.

        A demotion or an end on another node is seen after CACHE_SECONDS at the latest, or at once by who does not take
        what is ``kept``: sockets ask once, and all who connect in the same moment share the query.
        """

        async def load() -> str:
            role = await self._roles.get((claims.session_id, claims.user_id))
            if role is None:
                raise ended()
            return role

        if not kept:
            return await load()
        role: str = await self._cache.get_or_load(
            f"session:{claims.session_id}:{claims.user_id}",
            load,
            ttl=CACHE_SECONDS,
            tags=(f"session:{claims.session_id}", f"user:{claims.user_id}"),
            shared=False,  # a row of many that are read at once costs less than three round trips to Redis
        )
        return role

    async def _load_roles(self, wanted: Sequence[tuple[int, int]]) -> dict[tuple[int, int], str]:
        """By session and user; sessions that have ended are left out."""
        wanted_ids, values = db.among("s.id", {session_id for session_id, _ in wanted})
        rows = await db.connection().execute_query_dict(
            f"SELECT s.id, s.user_id, u.role FROM session s JOIN {db.quoted('user')} u ON u.id = s.user_id "  # noqa: S608
            f"WHERE s.ended_at IS NULL AND {wanted_ids}",
            values,
        )
        return {(row["id"], row["user_id"]): row["role"] for row in rows}

    async def mark_others_ended(self, user_id: int, kept: int, reason: str) -> SessionIds:
        """Ids of the sessions that were ended. In the caller's transaction; announce them after its commit."""
        rows = await self._live(user_id).exclude(id=kept).order_by("id").select_for_update()
        others = [row.id for row in rows]
        await self._mark_ended(others, reason, self._clock.now())
        return others

    async def announce_end(self, user_id: int, session_ids: Iterable[int], reason: str) -> None:
        """Tell the cache and the sockets, after the commit."""
        for session_id in session_ids:
            log.info("a session ended", user_id=user_id, session_id=session_id, reason=reason)
            try:
                await self._cache.invalidate(f"session:{session_id}")
                await self._on_session_ended(user_id, session_id, reason)
            except Exception:
                # the session has ended; at worst its sockets learn it when their token runs out
                log.exception("the end of a session was not announced", session_id=session_id)

    async def purge(self) -> int:
        """Delete sessions that ended or expired long ago, with their tokens, at most PURGE_LIMIT. How many."""
        before = self._clock.now() - KEPT_AFTER_END
        stale = Session.filter(Q(expires_at__lt=before) | Q(ended_at__lt=before))
        ids = [row.id for row in await stale.order_by("id").limit(PURGE_LIMIT).only("id")]
        if ids:
            async with db.transaction():
                await RefreshToken.filter(session_id__in=ids).delete()
                await Session.filter(id__in=ids).delete()
        return len(ids)

    def _live(self, user_id: int) -> Any:
        return Session.filter(user_id=user_id, ended_at__isnull=True, expires_at__gt=self._clock.now())

    async def _mark_ended(self, ids: Iterable[int], reason: str, now: datetime) -> None:
        if chosen := [*ids]:
            await Session.filter(id__in=chosen).update(ended_at=now, end_reason=reason)

    async def _issue(self, user: User, session_id: int, now: datetime) -> str:
        token = self._tokens.issue_refresh(user_id=user.id, session_id=session_id, role=user.role)
        await RefreshToken.create(session_id=session_id, token_hash=digest(token), issued_at=now)
        return token

    def _used(self, session: Session, device: Device, now: datetime) -> dict[str, Any]:
        return {
            "last_used_at": now,
            "expires_at": now + timedelta(seconds=self._tokens.refresh_life),
            "user_agent": device.user_agent or session.user_agent,
            "address": device.address or session.address,
        }


def ended() -> DomainError:
    return DomainError(Code.UNAUTHENTICATED, "this session has ended; log in again")
