"""Tables of what people are told."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model


class Notice(Model):
    """What is told, once for all who hear it. ``dedupe_key`` makes one item one notice, whatever is killed when."""

    id = fields.BigIntField(primary_key=True, generated=False)
    dedupe_key = fields.CharField(max_length=120, unique=True)
    kind = fields.CharField(max_length=20)
    title = fields.CharField(max_length=300)
    body = fields.CharField(max_length=500)
    url = fields.CharField(max_length=500)
    image_url = fields.CharField(max_length=500, null=True)
    actor_id = fields.BigIntField(null=True, db_index=True)  # whose name and words it quotes
    creator_id = fields.BigIntField(null=True)
    content_id = fields.BigIntField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "notice"
        indexes = (("url",),)


class Notification(Model):
    """One notice in one inbox. Its id is the id of its event, ``seq`` its place in ``inbox:{user_id}``."""

    id = fields.BigIntField(primary_key=True, generated=False)
    notice_id = fields.BigIntField()
    user_id = fields.BigIntField()
    seq = fields.BigIntField()
    created_at = fields.DatetimeField()
    read_at = fields.DatetimeField(null=True)

    class Meta:
        table = "notification"
        unique_together = (("notice_id", "user_id"), ("user_id", "seq"))
        indexes = (("user_id", "read_at", "seq"),)


class Inbox(Model):
    """The counter of one inbox, kept under the lock of its stream."""

    user_id = fields.BigIntField(primary_key=True, generated=False)
    unread_count = fields.IntField(default=0)

    class Meta:
        table = "inbox"


class NotificationSettings(Model):
    """Which kinds a person wants: a kind that is not named is wanted."""

    user_id = fields.BigIntField(primary_key=True, generated=False)
    kinds: Any = fields.JSONField()  # {"new-video": false}

    class Meta:
        table = "notification_settings"
