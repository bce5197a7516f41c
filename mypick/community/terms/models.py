"""The table of terms."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class TermRow(Model):
    """What a community blocks, holds or allows. Changes under the locks of all its rooms' streams."""

    id = fields.BigIntField(primary_key=True, generated=False)
    community_id = fields.BigIntField()
    norm = fields.CharField(max_length=200)  # the letters as they are compared: two terms with the same are one
    text = fields.CharField(max_length=50)  # as the moderator wrote it
    effect = fields.CharField(max_length=5)  # block, hold, allow
    actor_id = fields.BigIntField()
    created_at = fields.DatetimeField()

    class Meta:
        table = "term"
        unique_together = (("community_id", "norm"),)
        indexes = (("community_id", "id"),)
