"""``/auth``: opening, carrying on and ending sessions.

These routes ignore ``Idempotency-Key``: answers are stored for it, and a token must not be.
"""

from __future__ import annotations

from aiohttp import hdrs
from aiohttp_pydantic.oas.typing import r200, r201
from pydantic import Field

from handlers.replies import reply
from handlers.rules import Access, rules
from handlers.views import ApiView
from mypick.accounts.commands import LogIn, Refresh, Register
from mypick.accounts.device import Device
from mypick.accounts.views import Authentication
from mypick.errors import Code
from mypick.wire import View


class LoggedOut(View):
    logged_out: bool = Field(examples=[True])


def device_of(view: ApiView) -> Device:
    return Device(user_agent=view.request.headers.get(hdrs.USER_AGENT, ""), address=view.address)


class RegisterView(ApiView):
    @rules("register", tag="auth", access=Access.OPEN, errors=(Code.CONFLICT,))
    async def post(self, command: Register) -> r201[Authentication]:
        """Open an account and log in."""
        return reply(await self.parts.accounts.register(command, device_of(self)), 201)


class LogInView(ApiView):
    @rules("logIn", tag="auth", access=Access.OPEN, errors=(Code.UNAUTHENTICATED,))
    async def post(self, command: LogIn) -> r200[Authentication]:
        """Open a session on one device."""
        return reply(await self.parts.accounts.log_in(command, device_of(self)))


class RefreshView(ApiView):
    @rules("refresh", tag="auth", access=Access.OPEN, errors=(Code.UNAUTHENTICATED,))
    async def post(self, command: Refresh) -> r200[Authentication]:
        """Trade a refresh token, which is good once, for a new pair.

        Used a second time it ends the session: one of the two users was a thief.
        """
        return reply(await self.parts.accounts.refresh(command, device_of(self)))


class LogOutView(ApiView):
    @rules("logOut", tag="auth", access=Access.SESSION)
    async def post(self) -> r200[LoggedOut]:
        """End the session that asks, and its sockets."""
        await self.parts.accounts.log_out(self.actor)
        return reply(LoggedOut(logged_out=True))


VIEWS: dict[str, type[ApiView]] = {
    "/auth/register": RegisterView,
    "/auth/login": LogInView,
    "/auth/refresh": RefreshView,
    "/auth/logout": LogOutView,
}

