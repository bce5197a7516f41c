"""``/users``: what a person has here."""

from __future__ import annotations

from aiohttp_pydantic.oas.typing import r200, r201
from pydantic import Field

from handlers.replies import page_reply, reply
from handlers.routes.parameters import Cursor, Limit, PathId
from handlers.rules import Access, rules
from handlers.views import ApiView
from mypick.accounts.commands import (
    ChangePassword,
    CreateApiKey,
    EndSession,
    RevokeApiKey,
    UpdateProfile,
    UpdateSettings,
)
from mypick.accounts.views import ApiKeyView, NewApiKey, SessionView, SettingsView, UserView
from mypick.creators.views import CreatorView
from mypick.errors import Code
from mypick.pagination import DEFAULT_LIMIT, Page
from mypick.wire import View


class EndedCount(View):
    ended: int = Field(description="how many sessions there were besides this one")


class Ended(View):
    ended: bool = Field(examples=[True])


class Revoked(View):
    revoked: bool = Field(examples=[True])


class Changed(View):
    changed: bool = Field(examples=[True])


class MeView(ApiView):
    @rules("getMe", tag="users", scope="read")
    async def get(self) -> r200[UserView]:
        """The profile of who asks."""
        return reply(await self.parts.accounts.profiles.me(self.actor))

    @rules("updateMe", tag="users", scope="profile:write", idempotent=True)
    async def patch(self, command: UpdateProfile) -> r200[UserView]:
        """Change the fields of the profile that are sent."""
        return reply(await self.parts.accounts.profiles.update(self.actor, command))


class MySettingsView(ApiView):
    @rules("getMySettings", tag="users", scope="read")
    async def get(self) -> r200[SettingsView]:
        """The settings of who asks."""
        return reply(await self.parts.accounts.profiles.settings(self.actor))

    @rules("updateMySettings", tag="users", scope="profile:write", idempotent=True)
    async def patch(self, command: UpdateSettings) -> r200[SettingsView]:
        """Change the settings that are sent."""
        return reply(await self.parts.accounts.profiles.update_settings(self.actor, command))


class MyPasswordView(ApiView):
    @rules("changePassword", tag="users", access=Access.SESSION, errors=(Code.CONFLICT,))
    async def post(self, command: ChangePassword) -> r200[Changed]:
        """Set a new password and end all other sessions.

        ``Idempotency-Key`` is ignored: what is kept for it would tell of the password.
        """
        await self.parts.accounts.change_password(self.actor, command)
        return reply(Changed(changed=True))


class MySessionsView(ApiView):
    @rules("listMySessions", tag="users", scope="read")
    async def get(self) -> r200[list[SessionView]]:
        """The devices that are logged in, the one used last first."""
        return reply(await self.parts.accounts.sessions.list(self.actor))

    @rules("endMyOtherSessions", tag="users", access=Access.SESSION, idempotent=True)
    async def delete(self) -> r200[EndedCount]:
        """Log out everywhere but here."""
        return reply(EndedCount(ended=await self.parts.accounts.sessions.end_all_others(self.actor)))


class MySessionView(ApiView):
    @rules("endMySession", tag="users", access=Access.SESSION, idempotent=True)
    async def delete(self, session_id: PathId, /) -> r200[Ended]:
        """Log out one device. Twice is no error."""
        await self.parts.accounts.sessions.end(self.actor, EndSession(session_id=session_id))
        return reply(Ended(ended=True))


class MyApiKeysView(ApiView):
    @rules("listMyApiKeys", tag="users", access=Access.SESSION)
    async def get(self) -> r200[list[ApiKeyView]]:
        """The keys that are good, the newest first."""
        return reply(await self.parts.accounts.keys.list(self.actor))

    @rules("createMyApiKey", tag="users", access=Access.SESSION, errors=(Code.FULL,))
    async def post(self, command: CreateApiKey) -> r201[NewApiKey]:
        """Make a key for a program. ``key`` is shown now and never again.

        ``Idempotency-Key`` is ignored: answers are stored for it, and a key must not be.
        """
        return reply(await self.parts.accounts.keys.create(self.actor, command), 201)


class MyApiKeyView(ApiView):
    @rules("revokeMyApiKey", tag="users", access=Access.SESSION, idempotent=True)
    async def delete(self, key_id: PathId, /) -> r200[Revoked]:
        """From now on the key opens nothing. Twice is no error."""
        await self.parts.accounts.keys.revoke(self.actor, RevokeApiKey(key_id=key_id))
        return reply(Revoked(revoked=True))


class SubscriptionsView(ApiView):
    @rules("listSubscriptions", tag="creators", scope="read")
    async def get(
        self, user_id: PathId, /, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
    ) -> r200[Page[CreatorView]]:
        """The creators that a user follows. Own only."""
        return page_reply(await self.parts.creators.subscriptions(self.actor, user_id, cursor, limit))


VIEWS: dict[str, type[ApiView]] = {
    "/users/me": MeView,
    "/users/me/settings": MySettingsView,
    "/users/me/password": MyPasswordView,
    "/users/me/sessions": MySessionsView,
    "/users/me/sessions/{session_id}": MySessionView,
    "/users/me/api-keys": MyApiKeysView,
    "/users/me/api-keys/{key_id}": MyApiKeyView,
    "/users/{user_id}/subscriptions": SubscriptionsView,
}
