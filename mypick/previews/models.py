"""The table of what was found behind links."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class LinkPreview(Model):
    """What was behind a link, for a day, or that there was nothing, for an hour. Never the link itself."""

    key = fields.CharField(max_length=64, primary_key=True)  # SHA-256 of the address, hex
    kind = fields.CharField(max_length=5)  # page, image, none
    title = fields.CharField(max_length=200)
    description = fields.CharField(max_length=300)
    site = fields.CharField(max_length=100)
    expires_at = fields.DatetimeField(db_index=True)

    class Meta:
        table = "link_preview"
