"""Tables of creators, their platform channels, and who follows them."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class Creator(Model):
    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(max_length=150)
    description = fields.TextField()
    avatar_url = fields.CharField(max_length=500, null=True)
    category = fields.CharField(max_length=40, null=True)
    subscriber_count = fields.IntField(default=0)  # followers here, not on the platform
    created_at = fields.DatetimeField()

    class Meta:
        table = "creator"


class Channel(Model):
    """A creator's place on one platform, and when to look there next."""

    id = fields.BigIntField(primary_key=True)
    creator_id = fields.BigIntField(db_index=True)
    platform = fields.CharField(max_length=16)  # youtube
    external_id = fields.CharField(max_length=64)
    handle = fields.CharField(max_length=100, null=True, db_index=True)  # lower case, without @
    url = fields.CharField(max_length=500)
    uploads_ref = fields.CharField(max_length=64, null=True)  # the platform's own name for the list of uploads
    etag = fields.CharField(max_length=200, null=True)
    created_at = fields.DatetimeField()
    first_polled_at = fields.DatetimeField(null=True)  # what was there before is history, not news
    last_polled_at = fields.DatetimeField(null=True)
    due_at = fields.DatetimeField(db_index=True)
    leased_until = fields.DatetimeField(null=True)
    lease = fields.CharField(max_length=32, null=True)
    failures = fields.IntField(default=0)
    last_error = fields.CharField(max_length=300, null=True)

    class Meta:
        table = "channel"
        unique_together = (("platform", "external_id"),)


class Subscription(Model):
    id = fields.BigIntField(primary_key=True)
    user_id = fields.BigIntField()
    creator_id = fields.BigIntField()
    created_at = fields.DatetimeField()

    class Meta:
        table = "subscription"
        unique_together = (("user_id", "creator_id"),)
        indexes = (("creator_id", "user_id"),)
