"""API keys, for programs that act for a person within scopes: ``mpk_<prefix>_<secret>``, stored hashed."""

from __future__ import annotations

import base64
import re
from datetime import datetime, timedelta
from typing import Any

from mypick import db
from mypick.accounts.actor import Actor
from mypick.accounts.commands import CreateApiKey, RevokeApiKey
from mypick.accounts.models import ApiKey, User
from mypick.accounts.policy import require_session
from mypick.accounts.ports import Cache, RandomBytes
from mypick.accounts.tokens import digest
from mypick.accounts.views import ApiKeyView, NewApiKey
from mypick.clock import Clock
from mypick.errors import Code, DomainError, not_found

MAXIMUM = 20  # keys of one user that are not revoked; as many revoked ones are kept
CACHE_SECONDS = 30.0  # that a node may believe a key good without asking; revoking one clears it at once
USE_NOTED_EVERY = timedelta(minutes=1)  # last_used_at is written no oftener
_SHAPE = re.compile(r"mpk_[0-9a-f]{8}_[A-Za-z0-9_-]{43}")


class ApiKeys:
    def __init__(self, clock: Clock, cache: Cache, random_bytes: RandomBytes) -> None:
        self._clock = clock
        self._cache = cache
        self._random_bytes = random_bytes

    async def create(self, actor: Actor, command: CreateApiKey) -> NewApiKey:
        """A new key of the actor, readable this once. ``FULL`` at MAXIMUM keys."""
        require_session(actor)
        prefix = self._random_bytes(4).hex()
        secret = base64.urlsafe_b64encode(self._random_bytes(32)).rstrip(b"=").decode()
        key = f"mpk_{prefix}_{secret}"
        async with db.transaction():
            # the lock makes two creations at once count each other; values_list() would drop it without a word
            await User.filter(id=actor.user_id).select_for_update().first()
            if await ApiKey.filter(user_id=actor.user_id, revoked_at__isnull=True).count() >= MAXIMUM:
                raise DomainError(Code.FULL, f"you have {MAXIMUM} API keys, which is the most; revoke one first")
            await self._drop_old_revoked(actor.user_id)
            row = await ApiKey.create(
                user_id=actor.user_id,
                name=command.name,
                prefix=prefix,
                key_hash=digest(key),
                scopes=list(command.scopes),
                created_at=self._clock.now(),
            )
        return NewApiKey(
            id=row.id,
            name=row.name,
            prefix=row.prefix,
            scopes=row.scopes,
            created_at=row.created_at,
            last_used_at=None,
            key=key,
        )

    async def list(self, actor: Actor) -> list[ApiKeyView]:
        """The actor's keys that are not revoked, the newest first."""
        require_session(actor)
        good = ApiKey.filter(user_id=actor.user_id, revoked_at__isnull=True)
        return [ApiKeyView.model_validate(row) for row in await good.order_by("-id").limit(MAXIMUM)]

    async def revoke(self, actor: Actor, command: RevokeApiKey) -> None:
        """From now on the key opens nothing. One that is revoked already is no error."""
        require_session(actor)
        key = await ApiKey.get_or_none(id=command.key_id, user_id=actor.user_id)
        if key is None:
            raise not_found("API key")
        await ApiKey.filter(id=key.id, revoked_at__isnull=True).update(revoked_at=self._clock.now())
        await self._cache.invalidate(_tag(key.key_hash))

    async def authenticate(self, key: object) -> Actor:
        """Whom ``key`` acts for; ``UNAUTHENTICATED`` if it is none of ours or revoked."""
        if not isinstance(key, str) or not _SHAPE.fullmatch(key):
            raise _refused()
        key_hash = digest(key)
        found: dict[str, Any] = await self._cache.get_or_load(
            f"api-key:{key_hash}", lambda: self._load(key_hash), ttl=CACHE_SECONDS, tags=(_tag(key_hash),)
        )
        return Actor(
            user_id=found["user_id"],
            role=found["role"],
            session_id=None,
            scopes=frozenset(found["scopes"]),
            expires_at=None,
            key_id=found["key_id"],
        )

    async def forget_cached(self, user_id: int) -> None:
        """After the user's role changed."""
        good = ApiKey.filter(user_id=user_id, revoked_at__isnull=True)
        if hashes := await good.values_list("key_hash", flat=True):
            await self._cache.invalidate(*(_tag(str(key_hash)) for key_hash in hashes))

    async def _load(self, key_hash: str) -> dict[str, Any]:
        key = await ApiKey.get_or_none(key_hash=key_hash, revoked_at__isnull=True)
        user = None if key is None else await User.get_or_none(id=key.user_id)
        if key is None or user is None:
            raise _refused()
        await self._note_use(key, self._clock.now())
        return {"key_id": key.id, "user_id": user.id, "role": user.role, "scopes": key.scopes}

    async def _note_use(self, key: ApiKey, now: datetime) -> None:
        if key.last_used_at is None or now - key.last_used_at >= USE_NOTED_EVERY:
            await ApiKey.filter(id=key.id).update(last_used_at=now)

    async def _drop_old_revoked(self, user_id: int) -> None:
        revoked = ApiKey.filter(user_id=user_id, revoked_at__isnull=False).order_by("-revoked_at", "-id")
        if surplus := (await revoked.values_list("id", flat=True))[MAXIMUM:]:
            await ApiKey.filter(id__in=surplus).delete()


def _tag(key_hash: str) -> str:
    return f"api-key:{key_hash}"


def _refused() -> DomainError:
    return DomainError(Code.UNAUTHENTICATED, "this API key is not valid; make a new one in the settings")
