"""Tables of what was brought along."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class ChatImport(Model):
    """A file on its way into a room, and how far it is: a run that was stopped goes on from there."""

    id = fields.BigIntField(primary_key=True)
    room_id = fields.BigIntField()
    file_hash = fields.CharField(max_length=64)  # SHA-256 of the whole file, hex
    offset = fields.BigIntField(default=0)  # bytes that are done
    number = fields.BigIntField(default=0)  # of the last line that is done
    messages = fields.BigIntField(default=0)
    bad = fields.BigIntField(default=0)
    started_at = fields.DatetimeField()
    finished_at = fields.DatetimeField(null=True)

    class Meta:
        table = "chat_import"
        unique_together = (("room_id", "file_hash"),)


class ImportedMessage(Model):
    """Under which id of its source a message is here already."""

    message_id = fields.BigIntField(primary_key=True, generated=False)
    room_id = fields.BigIntField()
    source_key = fields.CharField(max_length=100)  # youtube:…, discord:…

    class Meta:
        table = "imported_message"
        unique_together = (("room_id", "source_key"),)
