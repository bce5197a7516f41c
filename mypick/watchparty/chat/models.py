"""The table of what is said in parties."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class PartyMessage(Model):
    """Something said in a party, and where the video was then. A deleted one is a tombstone without text."""

    id = fields.BigIntField(primary_key=True, generated=False)
    party_id = fields.BigIntField()
    seq = fields.BigIntField()  # of its event in the party's stream
    author_id = fields.BigIntField(db_index=True)
    text = fields.TextField()
    content_id = fields.BigIntField()
    position_ms = fields.BigIntField()
    created_at = fields.DatetimeField()
    deleted_at = fields.DatetimeField(null=True)

    class Meta:
        table = "party_message"
        unique_together = (("party_id", "seq"),)
