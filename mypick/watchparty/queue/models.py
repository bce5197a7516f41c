"""Tables of what a party plays next, and of what it has played."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class QueueItem(Model):
    """Content that a party will play. Changes under the lock of the party's stream."""

    id = fields.BigIntField(primary_key=True, generated=False)
    party_id = fields.BigIntField()
    content_id = fields.BigIntField()
    added_by = fields.BigIntField(db_index=True)
    added_at = fields.DatetimeField()
    place = fields.BigIntField()  # the seq of the event that told of it: its age, the same on all nodes
    votes = fields.IntField(default=0)
    told_votes = fields.IntField(default=0)  # that the last event told

    class Meta:
        table = "party_queue_item"
        unique_together = (("party_id", "content_id"),)


class QueueVote(Model):
    """Somebody wants to see an item soon."""

    id = fields.BigIntField(primary_key=True)
    item_id = fields.BigIntField()
    user_id = fields.BigIntField(db_index=True)

    class Meta:
        table = "party_queue_vote"
        unique_together = (("item_id", "user_id"),)


class Watched(Model):
    """Content that a party has played, from when to when on the watch-party clock."""

    id = fields.BigIntField(primary_key=True)
    party_id = fields.BigIntField()
    content_id = fields.BigIntField()
    from_ms = fields.BigIntField()
    until_ms = fields.BigIntField(null=True)  # None while it is on
    guests = fields.IntField(default=0)  # people who were there meanwhile, counted when it ends

    class Meta:
        table = "party_watched"
        indexes = (("party_id", "id"),)
