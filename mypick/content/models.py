"""The table of what creators publish."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class Content(Model):
    id = fields.BigIntField(primary_key=True, generated=False)
    creator_id = fields.BigIntField()
    channel_id = fields.BigIntField()
    platform = fields.CharField(max_length=16)
    external_id = fields.CharField(max_length=64)
    kind = fields.CharField(max_length=8)  # video, short, live, post
    live_status = fields.CharField(max_length=8, default="none")  # none, upcoming, live, ended
    title = fields.CharField(max_length=300)
    description = fields.TextField()
    url = fields.CharField(max_length=500)
    image_url = fields.CharField(max_length=500, null=True)
    duration_s = fields.IntField(null=True)
    view_count = fields.BigIntField(null=True)  # None is "not told", which is not zero
    published_at = fields.DatetimeField()
    starts_at = fields.DatetimeField(null=True)  # of an upcoming live stream
    discovered_at = fields.DatetimeField()

    class Meta:
        table = "content"
        unique_together = (("platform", "external_id"),)
        indexes = (("creator_id", "published_at", "id"),)
