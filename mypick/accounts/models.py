"""Tables of people, their sessions and their keys."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model


class User(Model):
    id = fields.BigIntField(primary_key=True)
    email = fields.CharField(max_length=254, unique=True)  # normalised and lower case
    password_hash = fields.CharField(max_length=200)
    display_name = fields.CharField(max_length=50)
    avatar_url = fields.CharField(max_length=500, null=True)
    locale = fields.CharField(max_length=2, default="en")  # ko, en
    timezone = fields.CharField(max_length=64, default="UTC")
    role = fields.CharField(max_length=10, default="fan")  # fan, moderator, admin
    settings: Any = fields.JSONField()
    kind = fields.CharField(max_length=8, default="person")  # person; imported, erased: nobody can log in as these
    created_at = fields.DatetimeField()

    class Meta:
        table = "user"


class Session(Model):
    """One log-in on one device: a family of refresh tokens, of which the newest alone is good."""

    id = fields.BigIntField(primary_key=True)
    user_id = fields.BigIntField(db_index=True)
    user_agent = fields.CharField(max_length=200)
    address = fields.CharField(max_length=45)
    created_at = fields.DatetimeField()
    last_used_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)
    end_reason = fields.CharField(max_length=20, null=True)  # logout, ended, reuse

    class Meta:
        table = "session"


class RefreshToken(Model):
    id = fields.BigIntField(primary_key=True)
    session_id = fields.BigIntField(db_index=True)
    token_hash = fields.CharField(max_length=64, unique=True)  # SHA-256, hex
    issued_at = fields.DatetimeField()
    used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "refresh_token"


class ApiKey(Model):
    id = fields.BigIntField(primary_key=True)
    user_id = fields.BigIntField(db_index=True)
    name = fields.CharField(max_length=50)
    prefix = fields.CharField(max_length=12)  # the part that is shown, so that its owner knows which it is
    key_hash = fields.CharField(max_length=64, unique=True)  # SHA-256, hex
    scopes: Any = fields.JSONField()
    created_at = fields.DatetimeField()
    last_used_at = fields.DatetimeField(null=True)
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "api_key"
