"""What accounts show. Times are ISO 8601 UTC with milliseconds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from mypick.accounts.commands import Locale, Role, Theme
from mypick.accounts.scopes import Scope
from mypick.clock import to_wire

Moment = Annotated[
    datetime,
    PlainSerializer(to_wire, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-23T06:38:00.123Z"]}),
]


class View(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class UserView(View):
    """A person as that person alone sees it; others see ``queries.people``."""

    id: int
    email: str
    display_name: str
    avatar_url: str | None
    locale: Locale
    timezone: str
    role: Role
    created_at: Moment


class Authentication(View):
    """A user and the pair of tokens of one session. ``expires_in``: seconds that the access token lives."""

    user: UserView
    access_token: str = Field(repr=False)
    refresh_token: str = Field(repr=False)
    expires_in: int


class SettingsView(View):
    """How the pages behave for this person. The defaults are those of a new account."""

    theme: Theme = "auto"
    autoplay: bool = True
    sounds: bool = True
    desktop_notifications: bool = False


class SessionView(View):
    """One device that is logged in. ``current``: the one that asks."""

    id: int
    current: bool
    user_agent: str
    address: str
    created_at: Moment
    last_used_at: Moment


class ApiKeyView(View):
    """A key as it is listed: ``prefix`` is its visible part, ``mpk_<prefix>_…``."""

    id: int
    name: str
    prefix: str
    scopes: list[Scope]
    created_at: Moment
    last_used_at: Moment | None


class NewApiKey(ApiKeyView):
    """A key at its birth: ``key`` is shown now and never again."""

    key: str = Field(repr=False)
