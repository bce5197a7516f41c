"""Tables of the ways into a community: invites, requests to join, and the claims of creators."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class Invite(Model):
    """A code that lets people in. Each use is one conditional update, so no more come in than it has uses."""

    id = fields.BigIntField(primary_key=True)
    community_id = fields.BigIntField()
    code = fields.CharField(max_length=10, unique=True)
    max_uses = fields.IntField()
    uses = fields.IntField(default=0)
    approval = fields.BooleanField(default=False)  # who uses it asks to come in, and a moderator decides
    expires_at = fields.DatetimeField(null=True)
    revoked_at = fields.DatetimeField(null=True)
    actor_id = fields.BigIntField()
    created_at = fields.DatetimeField()

    class Meta:
        table = "invite"
        indexes = (("community_id", "id"),)


class JoinRequest(Model):
    """Somebody asks to come in. The newest of each person and community is kept."""

    id = fields.BigIntField(primary_key=True)
    community_id = fields.BigIntField()
    user_id = fields.BigIntField()
    text = fields.CharField(max_length=300)
    status = fields.CharField(max_length=10, default="waiting")  # waiting, accepted, refused, withdrawn
    created_at = fields.DatetimeField()
    decided_at = fields.DatetimeField(null=True)
    decided_by = fields.BigIntField(null=True)

    class Meta:
        table = "join_request"
        unique_together = (("community_id", "user_id"),)
        indexes = (("community_id", "status", "id"), ("user_id", "status"))


class Claim(Model):
    """Somebody says that they are the creator. The code, placed on one of the creator's channels, proves it."""

    id = fields.BigIntField(primary_key=True)
    community_id = fields.BigIntField()
    user_id = fields.BigIntField()
    code = fields.CharField(max_length=24)
    text = fields.CharField(max_length=500)
    status = fields.CharField(max_length=10, default="waiting")  # waiting, accepted, refused, withdrawn
    created_at = fields.DatetimeField()
    decided_at = fields.DatetimeField(null=True)
    decided_by = fields.BigIntField(null=True)  # none where the code did

    class Meta:
        table = "creator_claim"
        unique_together = (("community_id", "user_id"),)
        indexes = (("status", "id"), ("user_id", "status"))
