"""Tables of the moderators' desk: who deals with what, appeals, purges, and how well people report."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class DeskClaim(Model):
    """A moderator deals with an item for a while, so that no second one begins. It binds nobody."""

    id = fields.BigIntField(primary_key=True)
    community_id = fields.BigIntField()
    kind = fields.CharField(max_length=10)
    item_id = fields.BigIntField()
    user_id = fields.BigIntField()
    until = fields.DatetimeField()

    class Meta:
        table = "desk_claim"
        unique_together = (("community_id", "kind", "item_id"),)


class Appeal(Model):
    """What somebody says to their timeout or ban: one note for each."""

    id = fields.BigIntField(primary_key=True)
    community_id = fields.BigIntField()
    sanction_id = fields.BigIntField(unique=True)
    kind = fields.CharField(max_length=8)  # of the sanction, which may be lifted and gone
    user_id = fields.BigIntField(db_index=True)
    text = fields.CharField(max_length=1_000)
    status = fields.CharField(max_length=10, default="waiting")  # waiting, lifted, kept
    answer = fields.CharField(max_length=500, null=True)
    created_at = fields.DatetimeField()
    decided_at = fields.DatetimeField(null=True)
    decided_by = fields.BigIntField(null=True)

    class Meta:
        table = "appeal"
        indexes = (("community_id", "status", "id"),)


class Purge(Model):
    """The messages of one person are deleted, a batch at a time. ``done`` moves in the transaction of each batch."""

    id = fields.BigIntField(primary_key=True, generated=False)
    community_id = fields.BigIntField()
    room_id = fields.BigIntField(null=True)  # none: all rooms, and discussions
    user_id = fields.BigIntField()
    actor_id = fields.BigIntField()
    since = fields.DatetimeField(null=True)  # none: from the beginning
    found = fields.IntField()
    done = fields.IntField(default=0)
    created_at = fields.DatetimeField()  # what is said later stays
    finished_at = fields.DatetimeField(null=True)

    class Meta:
        table = "purge"
        indexes = (("community_id", "id"),)


class ReporterRecord(Model):
    """How often the moderators of a community agreed with somebody's reports."""

    id = fields.BigIntField(primary_key=True)
    community_id = fields.BigIntField()
    user_id = fields.BigIntField()
    agreed = fields.IntField(default=0)
    disagreed = fields.IntField(default=0)

    class Meta:
        table = "reporter_record"
        unique_together = (("community_id", "user_id"),)
