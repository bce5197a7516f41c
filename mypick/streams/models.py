"""Tables of the streams. Only this package reads or writes them."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model


class Stream(Model):
    """The head of one append-only log."""

    id = fields.BigIntField(primary_key=True)
    key = fields.CharField(max_length=100, unique=True)  # inbox:17, room:3, party:9
    epoch = fields.CharField(max_length=8)  # changes when the history of this key began anew
    head_seq = fields.BigIntField(default=0)
    floor_seq = fields.BigIntField(default=0)  # events up to and including this one are gone

    class Meta:
        table = "stream"


class StreamEvent(Model):
    """One event. ``seq`` is gapless in its stream and in order of commit."""

    id = fields.BigIntField(primary_key=True, generated=False)
    stream_id = fields.BigIntField()
    seq = fields.BigIntField()
    type = fields.CharField(max_length=40)
    ref = fields.BigIntField(null=True)  # the row that holds the text, so that erasing it erases every replay
    actor_id = fields.BigIntField(null=True)
    at = fields.DatetimeField()
    data: Any = fields.JSONField()

    class Meta:
        table = "stream_event"
        unique_together = (("stream_id", "seq"),)


class Receipt(Model):
    """The reply to a command that was done, so that the same ``cid`` does nothing twice."""

    id = fields.BigIntField(primary_key=True)
    actor_id = fields.BigIntField()
    cid = fields.CharField(max_length=64)
    payload_hash = fields.CharField(max_length=64)
    reply: Any = fields.JSONField()
    created_at = fields.DatetimeField(db_index=True)

    class Meta:
        table = "receipt"
        unique_together = (("actor_id", "cid"),)
