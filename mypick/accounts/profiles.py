"""What a person shows and prefers, and the role that an admin gives."""

from __future__ import annotations

import structlog

from mypick import db
from mypick.accounts.actor import Actor
from mypick.accounts.api_keys import ApiKeys
from mypick.accounts.commands import Role, SetRole, UpdateProfile, UpdateSettings
from mypick.accounts.models import User
from mypick.accounts.policy import require_role, require_scope, require_session
from mypick.accounts.ports import Cache
from mypick.accounts.views import SettingsView, UserView
from mypick.errors import Code, DomainError, not_found

log = structlog.get_logger(__name__)


class Profiles:
    def __init__(self, cache: Cache, keys: ApiKeys) -> None:
        self._cache = cache
        self._keys = keys

    async def me(self, actor: Actor) -> UserView:
        require_scope(actor, "read")
        return UserView.model_validate(await _own(actor))

    async def update(self, actor: Actor, command: UpdateProfile) -> UserView:
        """Change the fields that were sent."""
        require_scope(actor, "profile:write")
        if changes := command.changes():
            await User.filter(id=actor.user_id).update(**changes)
        return UserView.model_validate(await _own(actor))

    async def settings(self, actor: Actor) -> SettingsView:
        require_scope(actor, "read")
        return SettingsView.model_validate((await _own(actor)).settings)

    async def update_settings(self, actor: Actor, command: UpdateSettings) -> SettingsView:
        """Change the settings that were sent; two updates at once both take effect."""
        require_scope(actor, "profile:write")
        async with db.transaction():
            user = await User.filter(id=actor.user_id).select_for_update().first()
            if user is None:
                raise not_found("user")
            settings = SettingsView.model_validate({**user.settings, **command.changes()})
            await User.filter(id=user.id).update(settings=settings.model_dump())
        return settings

    async def set_role(self, actor: Actor, command: SetRole) -> UserView:
        """For admins. Nobody changes the own role, so that one admin always remains."""
        require_session(actor)
        require_role(actor, "admin")
        if command.user_id == actor.user_id:
            raise DomainError(Code.CONFLICT, "you cannot change your own role; ask another admin")
        return await self.grant_role(command.user_id, command.role)

    async def grant_role(self, user_id: int, role: Role) -> UserView:
        """Without asking who wants it: for the command line, which makes the first admin."""
        user = await User.get_or_none(id=user_id)
        if user is None:
            raise not_found("user")
        await User.filter(id=user_id).update(role=role)
        user.role = role
        await self._cache.invalidate(f"user:{user_id}")
        await self._keys.forget_cached(user_id)
        log.info("a role was given", user_id=user_id, role=role)
        return UserView.model_validate(user)


async def _own(actor: Actor) -> User:
    user = await User.get_or_none(id=actor.user_id)
    if user is None:
        raise not_found("user")
    return user
