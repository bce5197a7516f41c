"""Tables of what people asked to be done with their data."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class Export(Model):
    """A file with all that is a person's."""

    id = fields.BigIntField(primary_key=True, generated=False)
    user_id = fields.BigIntField(db_index=True)
    under_way = fields.BigIntField(null=True, unique=True)  # the user while it is: one at a time for each person
    state = fields.CharField(max_length=8, default="waiting")  # waiting, running, ready, failed, expired
    sections_done = fields.IntField(default=0)
    rows_done = fields.BigIntField(default=0)
    size = fields.BigIntField(null=True)  # bytes
    asked_at = fields.DatetimeField()
    ready_at = fields.DatetimeField(null=True)
    expires_at = fields.DatetimeField(null=True, db_index=True)

    class Meta:
        table = "export"


class Erasure(Model):
    """Somebody wanted to be forgotten. The row stays as the record that it was done, and tells nothing of them."""

    id = fields.BigIntField(primary_key=True, generated=False)
    user_id = fields.BigIntField(unique=True)
    state = fields.CharField(max_length=8, default="waiting")  # waiting, running, done
    asked_at = fields.DatetimeField()
    due_at = fields.DatetimeField()
    finished_at = fields.DatetimeField(null=True)

    class Meta:
        table = "erasure"
