"""Registration, log-in, refresh, log-out, and who is behind a token or a key."""

from __future__ import annotations

import secrets

import structlog
from tortoise.exceptions import IntegrityError
from tortoise.expressions import Subquery

from mypick import db
from mypick.accounts import password_rules
from mypick.accounts.actor import Actor
from mypick.accounts.api_keys import ApiKeys
from mypick.accounts.commands import ChangePassword, EndSession, LogIn, Refresh, Register
from mypick.accounts.device import Device
from mypick.accounts.models import ApiKey, RefreshToken, Session, User
from mypick.accounts.passwords import Passwords
from mypick.accounts.policy import require_session
from mypick.accounts.ports import Cache, Limits, NoCache, OnLogIn, OnSessionEnded, RandomBytes
from mypick.accounts.profiles import Profiles
from mypick.accounts.sessions import Opened, Sessions
from mypick.accounts.tokens import Tokens, digest
from mypick.accounts.views import Authentication, UserView
from mypick.clock import Clock
from mypick.errors import Code, DomainError, invalid

log = structlog.get_logger(__name__)

ERASED_NAME = "deleted user"  # as everybody is shown who was erased


class Accounts:
    """The one object of this feature: ``sessions``, ``keys`` and ``profiles`` hang on it.

    No method may be called inside a transaction: the end of a session must be committed although an error is
    raised, and its sockets are told after the commit.

    Limits spent: ``auth.register`` (address), ``auth.login.address`` (address), ``auth.login.account``
    (subject: a hash of the e-mail address, whether or not it has an account), ``auth.refresh`` (user, address).
    """

    def __init__(
        self,
        clock: Clock,
        tokens: Tokens,
        passwords: Passwords,
        limits: Limits,
        on_session_ended: OnSessionEnded,
        cache: Cache | None = None,
        random_bytes: RandomBytes = secrets.token_bytes,
        on_log_in: OnLogIn | None = None,
    ) -> None:
        cache = cache or NoCache()
        self._cache = cache
        self._on_log_in = on_log_in
        self._clock = clock
        self._tokens = tokens
        self._passwords = passwords
        self._limits = limits
        self.sessions = Sessions(clock, tokens, on_session_ended, cache)
        self.keys = ApiKeys(clock, cache, random_bytes)
        self.profiles = Profiles(cache, self.keys)

    async def register(self, command: Register, device: Device) -> Authentication:
        """Open an account and log it in. ``CONFLICT`` if the e-mail address has one, ``INVALID`` if the
        password is the address or the name, ``RATE_LIMITED`` for a device's address that opens too many."""
        _refuse_own_name(command.password, command.email, command.display_name, "password")
        await self._limits.spend("auth.register", user_id=None, address=device.address or None)
        if await User.exists(email=command.email):
            raise _taken()
        password_hash = await self._passwords.hash(command.password)
        try:
            async with db.transaction():
                user = await User.create(
                    email=command.email,
                    password_hash=password_hash,
                    display_name=command.display_name,
                    settings={},
                    created_at=self._clock.now(),
                )
                opened = await self.sessions.open(user, device)
        except IntegrityError as failure:
            raise _taken() from failure
        log.info("an account was opened", user_id=user.id)
        return self._authentication(opened)

    async def log_in(self, command: LogIn, device: Device) -> Authentication:
        """Open a session. ``UNAUTHENTICATED``, in the same words and after the same work, if there is no such
        account and if the password is wrong; ``RATE_LIMITED`` before either is looked at."""
        await self._limits.spend("auth.login.address", user_id=None, address=device.address or None)
        await self._spend_on_account(command.email)
        user = await User.get_or_none(email=command.email)
        stored = None if user is None else user.password_hash
        if not await self._passwords.verify(stored, command.password) or user is None:
            raise _wrong()
        renewed = await self._renewed_hash(user.password_hash, command.password)
        async with db.transaction():
            locked = await User.filter(id=user.id).select_for_update().first()
            if locked is None or locked.password_hash != user.password_hash:
                # changed while it was verified: a session opened now would outlive the change
                raise _wrong()
            if renewed is not None:
                await User.filter(id=user.id).update(password_hash=renewed)
            opened = await self.sessions.open(locked, device)
            if self._on_log_in is not None:
                await self._on_log_in(user.id)
        await self.sessions.announce_end(user.id, opened.displaced, "displaced")
        return self._authentication(opened)

    async def refresh(self, command: Refresh, device: Device) -> Authentication:
        """Trade a refresh token for a new pair. Each is good once: of two trades at once one wins, and the other
        ends the session, as a thief's or a victim's would."""
        claims = self._tokens.read_refresh(command.refresh_token)
        await self._limits.spend("auth.refresh", user_id=claims.user_id, address=device.address or None)
        return self._authentication(await self.sessions.rotate(claims, command.refresh_token, device))

    async def log_out(self, actor: Actor) -> None:
        """End the session that asks; a second time is no error."""
        await self.sessions.end(actor, EndSession(session_id=require_session(actor)), reason="logout")

    async def change_password(self, actor: Actor, command: ChangePassword) -> None:
        """Set a new password and end all other sessions; API keys stay. ``FORBIDDEN`` if the current one is
        wrong; tries count as log-ins do."""
        current_session = require_session(actor)
        user = await self._confirmed(actor, command.current_password, command.new_password)
        password_hash = await self._passwords.hash(command.new_password)
        async with db.transaction():
            locked = await User.filter(id=user.id).select_for_update().first()
            if locked is None or locked.password_hash != user.password_hash:
                raise DomainError(Code.CONFLICT, "the password was just changed elsewhere; log in again")
            await User.filter(id=user.id).update(password_hash=password_hash)
            ended = await self.sessions.mark_others_ended(user.id, current_session, "password")
        log.info("a password was changed", user_id=user.id)
        await self.sessions.announce_end(user.id, ended, "password")

    async def confirm_password(self, actor: Actor, password: str) -> None:
        """That it is the person who asks, before what cannot be undone. ``FORBIDDEN`` if the password is wrong; tries
        count as log-ins do."""
        require_session(actor)
        await self._confirmed(actor, password)

    async def close(self, user_id: int) -> None:
        """Leave nothing of an account but its number: no name, no address, no way in. In the caller's transaction,
        which holds the user's row from here; call ``forget_closed`` after its commit."""
        await User.filter(id=user_id).select_for_update().first()
        await RefreshToken.filter(session_id__in=Subquery(Session.filter(user_id=user_id).values("id"))).delete()
        await Session.filter(user_id=user_id).delete()
        await ApiKey.filter(user_id=user_id).delete()
        await User.filter(id=user_id).update(
            email=f"erased:{user_id}",  # no address has this shape, so nobody can register or log in with it
            password_hash="",
            display_name=ERASED_NAME,
            avatar_url=None,
            locale="en",
            timezone="UTC",
            role="fan",
            settings={},
            kind="erased",
        )

    async def forget_closed(self, user_id: int) -> None:
        """Let no node take the closed account for a live one. What is kept of its keys ends by itself within 30 s."""
        await self._cache.invalidate(f"user:{user_id}")

    async def authenticate(self, access_token: object, *, kept: bool = True) -> Actor:
        """Who shows this access token; ``UNAUTHENTICATED`` if it is not good or its session has ended. With a
        warm cache no query, unless what is ``kept`` is not good enough. The role is the user's present one, not the
        token's."""
        claims = self._tokens.read_access(access_token)
        return Actor(
            user_id=claims.user_id,
            role=await self.sessions.role_of(claims, kept=kept),
            session_id=claims.session_id,
            scopes=None,
            expires_at=claims.expires_at,
        )

    async def authenticate_key(self, key: object) -> Actor:
        """Who is behind this API key; ``UNAUTHENTICATED`` if it is none of ours or revoked."""
        return await self.keys.authenticate(key)

    def _authentication(self, opened: Opened) -> Authentication:
        user = opened.user
        access_token = self._tokens.issue_access(
            user_id=user.id, session_id=opened.session_id, role=user.role
        )
        return Authentication(
            user=UserView.model_validate(user),
            access_token=access_token,
            refresh_token=opened.refresh_token,
            expires_in=self._tokens.access_life,
        )

    async def _confirmed(self, actor: Actor, password: str, new_password: str | None = None) -> User:
        user = await User.get_or_none(id=actor.user_id)
        if user is None:
            raise DomainError(Code.UNAUTHENTICATED, "this account has been removed")
        if new_password is not None:
            _refuse_own_name(new_password, user.email, user.display_name, "new_password")
        await self._spend_on_account(user.email)
        if not await self._passwords.verify(user.password_hash, password):
            raise DomainError(Code.FORBIDDEN, "the current password is wrong; type it again")
        return user

    async def _spend_on_account(self, email: str) -> None:
        await self._limits.spend("auth.login.account", user_id=None, address=None, subject=digest(email))

    async def _renewed_hash(self, stored: str, password: str) -> str | None:
        return await self._passwords.hash(password) if self._passwords.is_outdated(stored) else None


def _refuse_own_name(password: str, email: str, display_name: str, field: str) -> None:
    try:
        password_rules.refuse_own_name(password, email=email, display_name=display_name)
    except ValueError as refusal:
        raise invalid(f"the password is refused: {refusal}", field=field) from refusal


def _taken() -> DomainError:
    return DomainError(
        Code.CONFLICT, "this e-mail address already has an account; log in, or register with another"
    )


def _wrong() -> DomainError:
    return DomainError(Code.UNAUTHENTICATED, "the e-mail address or the password is wrong")
