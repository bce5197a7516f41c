"""Tables of the ways into a party."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class PartyInvite(Model):
    """An invite to a party. Its token is signed and stands nowhere: it is made again from this row. Each use is one
    conditional update, so no more come in than it has uses."""

    id = fields.BigIntField(primary_key=True, generated=False)
    party_id = fields.BigIntField()
    max_uses = fields.IntField()
    uses = fields.IntField(default=0)
    expires_at = fields.DatetimeField()
    revoked_at = fields.DatetimeField(null=True)
    actor_id = fields.BigIntField(db_index=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "party_invite"
        indexes = (("party_id", "id"),)


class PartyAttendance(Model):
    """Somebody says that they will come to a party that begins at a time."""

    id = fields.BigIntField(primary_key=True)
    party_id = fields.BigIntField()
    user_id = fields.BigIntField(db_index=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "party_attendance"
        unique_together = (("party_id", "user_id"),)
