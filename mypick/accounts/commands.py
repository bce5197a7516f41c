"""What may be asked of accounts. Unknown fields are refused; strings are strings and booleans booleans."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from mypick.accounts import password_rules, text_rules
from mypick.accounts.scopes import SCOPES, Scope

# Raw bounds, checked before any rule runs. Decomposed Hangul has up to three code points for one that is
# stored.
_RAW_PASSWORD = 4 * password_rules.MAXIMUM
_RAW_NAME = 4 * text_rules.NAME_LIMIT
_TOKEN = 4096  # characters, the same as tokens.MAXIMUM_LENGTH
LARGEST_ID = 2**63 - 1

Email = Annotated[
    str,
    Field(min_length=3, max_length=320, json_schema_extra={"format": "email"}),
    AfterValidator(text_rules.email),
]
DisplayName = Annotated[str, Field(max_length=_RAW_NAME), AfterValidator(text_rules.name)]
NewPassword = Annotated[
    str,
    Field(max_length=_RAW_PASSWORD, repr=False, json_schema_extra={"format": "password", "writeOnly": True}),
    AfterValidator(password_rules.new_password),
]
EnteredPassword = Annotated[
    str,
    Field(
        min_length=1,
        max_length=_RAW_PASSWORD,
        repr=False,
        json_schema_extra={"format": "password", "writeOnly": True},
    ),
    AfterValidator(password_rules.entered_password),
]
Locale = Literal["ko", "en"]
Theme = Literal["auto", "light", "dark"]
Role = Literal["fan", "moderator", "admin"]
TimeZone = Annotated[str, Field(max_length=64), AfterValidator(text_rules.time_zone)]
WebAddress = Annotated[
    str, Field(max_length=2 * text_rules.URL_LIMIT), AfterValidator(text_rules.web_address)
]
Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]


class Command(BaseModel):
    """The base of this feature's commands. An error never quotes what was sent: it may be a password."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Patch(Command):
    """A command of which each field that is sent is changed and each that is not sent is left."""

    def changes(self) -> dict[str, Any]:
        return self.model_dump(exclude_unset=True)


class Register(Command):
    """Open an account and log in. The password has 8 to 128 characters."""

    email: Email
    password: NewPassword
    display_name: DisplayName


class LogIn(Command):
    email: Email
    password: EnteredPassword


class Refresh(Command):
    """Trade a refresh token, which is good once, for a new pair."""

    refresh_token: str = Field(min_length=1, max_length=_TOKEN, repr=False)


class ChangePassword(Command):
    current_password: EnteredPassword
    new_password: NewPassword


class UpdateProfile(Patch):
    """``avatar_url: null`` removes the picture; the other fields cannot be removed."""

    display_name: DisplayName | None = None
    avatar_url: WebAddress | None = None
    locale: Locale | None = None
    timezone: TimeZone | None = None

    @field_validator("display_name", "locale", "timezone", mode="before")
    @classmethod
    def refuse_null(cls, value: Any) -> Any:
        return _not_null(value)


class UpdateSettings(Patch):
    theme: Theme | None = None
    autoplay: bool | None = None
    sounds: bool | None = None
    desktop_notifications: bool | None = None

    @field_validator("*", mode="before")
    @classmethod
    def refuse_null(cls, value: Any) -> Any:
        return _not_null(value)


def _not_null(value: Any) -> Any:
    # runs only for fields that were sent; a default is not validated
    if value is None:
        raise ValueError("it cannot be null; leave it out to keep it")
    return value


class EndSession(Command):
    session_id: Id


class CreateApiKey(Command):
    """``scopes``: at least one of the fixed list, each once."""

    name: DisplayName
    scopes: list[Scope] = Field(min_length=1, max_length=len(SCOPES))

    @model_validator(mode="after")
    def refuse_repetition(self) -> Self:
        if len(set(self.scopes)) != len(self.scopes):
            raise ValueError("a scope is named twice; name each once")
        return self


class RevokeApiKey(Command):
    key_id: Id


class SetRole(Command):
    user_id: Id
    role: Role
