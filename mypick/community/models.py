"""Tables of communities: rooms, what is said in them, who belongs, and what moderators did."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model


class Community(Model):
    """Where a creator's fans talk. One for each creator."""

    id = fields.BigIntField(primary_key=True)
    creator_id = fields.BigIntField(unique=True)
    name = fields.CharField(max_length=150)
    visibility = fields.CharField(max_length=8, default="public")  # public, members, private
    term_lists = fields.CharField(max_length=20, default="ko,en")  # languages whose lists of terms are on
    terms_rev = fields.BigIntField(default=0)  # names what its own terms are now; 0 while it has never had any
    description = fields.CharField(max_length=500, default="")
    rules = fields.CharField(max_length=4_000, default="")
    claimed_at = fields.DatetimeField(null=True)  # when its creator took it over
    created_at = fields.DatetimeField()

    class Meta:
        table = "community"


class Room(Model):
    """A place for live chat, and its mode. Its stream is ``room:{id}``. The mode changes under that stream's lock."""

    id = fields.BigIntField(primary_key=True)
    community_id = fields.BigIntField(db_index=True)
    name = fields.CharField(max_length=80)
    kind = fields.CharField(max_length=10, default="chat")  # chat, staff
    position = fields.SmallIntField(default=0)  # in the list of rooms
    archived_at = fields.DatetimeField(null=True)
    slow_seconds = fields.IntField(default=0)  # between two messages of one person; 0 is off
    members_only = fields.BooleanField(default=False)
    follow_minutes = fields.IntField(default=0)  # for which one must have followed the creator; 0 is off
    locked = fields.BooleanField(default=False)
    unique_text = fields.BooleanField(default=False)
    previews = fields.BooleanField(default=True)  # of links
    created_at = fields.DatetimeField()

    class Meta:
        table = "room"


class Message(Model):
    """What somebody said. Its id is the id of its ``message-created``, ``seq`` the place of that in the room's stream.
    A deleted one stays as a tombstone, without its text."""

    id = fields.BigIntField(primary_key=True, generated=False)
    room_id = fields.BigIntField()
    seq = fields.BigIntField()
    changed_seq = fields.BigIntField()  # of the last event about it
    author_id = fields.BigIntField()
    text = fields.TextField()
    text_hash = fields.CharField(max_length=32)  # of the text as it is compared; empty once deleted
    rev = fields.IntField(default=1)
    reply_to = fields.BigIntField(null=True)
    thread_id = fields.BigIntField(null=True)  # the message that the thread began with
    created_at = fields.DatetimeField()
    edited_at = fields.DatetimeField(null=True)
    deleted_at = fields.DatetimeField(null=True)
    reacted_at = fields.DatetimeField(null=True)  # when its reactions were told last
    reactions_due = fields.BooleanField(default=False)  # some were not told yet: a job will
    hidden_at = fields.DatetimeField(null=True)  # reports took it from view until a moderator looks

    class Meta:
        table = "message"
        unique_together = (("room_id", "seq"),)
        indexes = (("author_id", "room_id", "seq"), ("thread_id", "seq"), ("room_id", "text_hash"))


class MessageRevision(Model):
    """What a message said before it was edited. Goes with the text when the message is deleted."""

    id = fields.BigIntField(primary_key=True)
    message_id = fields.BigIntField()
    rev = fields.IntField()
    text = fields.TextField()
    replaced_at = fields.DatetimeField()

    class Meta:
        table = "message_revision"
        unique_together = (("message_id", "rev"),)


class Reaction(Model):
    id = fields.BigIntField(primary_key=True)
    message_id = fields.BigIntField()
    emoji = fields.CharField(max_length=32)
    user_id = fields.BigIntField()
    created_at = fields.DatetimeField()

    class Meta:
        table = "reaction"
        unique_together = (("message_id", "emoji", "user_id"),)
        indexes = (("user_id",),)


class MessagePreview(Model):
    """What is behind the first link of a message. Goes with its text."""

    message_id = fields.BigIntField(primary_key=True, generated=False)
    url = fields.CharField(max_length=2_000)
    kind = fields.CharField(max_length=5)  # page, image
    title = fields.CharField(max_length=200)
    description = fields.CharField(max_length=300)
    site = fields.CharField(max_length=100)

    class Meta:
        table = "message_preview"


class Pin(Model):
    id = fields.BigIntField(primary_key=True)
    room_id = fields.BigIntField(db_index=True)
    message_id = fields.BigIntField(unique=True)
    actor_id = fields.BigIntField()
    created_at = fields.DatetimeField()

    class Meta:
        table = "pin"


class Membership(Model):
    """Somebody belongs. Changes under the locks of the streams of all rooms of the community."""

    id = fields.BigIntField(primary_key=True)
    community_id = fields.BigIntField()
    user_id = fields.BigIntField(db_index=True)
    rank = fields.SmallIntField()  # of the role, as in policy.Role; a number, so that lists can be ordered by it
    joined_at = fields.DatetimeField()

    class Meta:
        table = "membership"
        unique_together = (("community_id", "user_id"),)
        indexes = (("community_id", "rank", "user_id"),)


class Sanction(Model):
    """Somebody may not write (timeout) or not come in (ban). Lifting one removes it, the log keeps that it was."""

    id = fields.BigIntField(primary_key=True)
    community_id = fields.BigIntField()
    user_id = fields.BigIntField(db_index=True)
    kind = fields.CharField(max_length=8)  # timeout, ban
    until = fields.DatetimeField(null=True)
    reason = fields.CharField(max_length=500, null=True)
    actor_id = fields.BigIntField()
    created_at = fields.DatetimeField()

    class Meta:
        table = "sanction"
        unique_together = (("community_id", "user_id", "kind"),)


class ReadMarker(Model):
    """Up to where somebody has read a room. Only moves on."""

    id = fields.BigIntField(primary_key=True)
    user_id = fields.BigIntField()
    room_id = fields.BigIntField()
    seq = fields.BigIntField()

    class Meta:
        table = "read_marker"
        unique_together = (("user_id", "room_id"),)


class RoomPace(Model):
    """When somebody last sent into a room in slow mode."""

    id = fields.BigIntField(primary_key=True)
    room_id = fields.BigIntField()
    user_id = fields.BigIntField()
    sent_at = fields.DatetimeField()

    class Meta:
        table = "room_pace"
        unique_together = (("room_id", "user_id"),)


class HeldMessage(Model):
    """What waits for a moderator. It is in no stream. Let through, it becomes a message with the same id."""

    id = fields.BigIntField(primary_key=True, generated=False)
    room_id = fields.BigIntField()
    author_id = fields.BigIntField()
    text = fields.TextField()  # empty once decided
    reply_to = fields.BigIntField(null=True)
    cause = fields.CharField(max_length=20)  # term, link, flood
    term = fields.CharField(max_length=50, null=True)  # that the text holds
    status = fields.CharField(max_length=10, default="waiting")  # waiting, approved, rejected, expired
    created_at = fields.DatetimeField()
    decided_at = fields.DatetimeField(null=True)
    decided_by = fields.BigIntField(null=True)

    class Meta:
        table = "held_message"
        indexes = (("room_id", "status", "id"), ("author_id", "room_id", "status"))


class Report(Model):
    """Somebody thinks that a message should not be there. One for each message and person."""

    id = fields.BigIntField(primary_key=True, generated=False)
    community_id = fields.BigIntField()
    message_id = fields.BigIntField()  # or of a discussion or comment: one counter gives all of these ids
    kind = fields.CharField(max_length=10, default="message")  # message, discussion, comment
    reporter_id = fields.BigIntField(db_index=True)
    reason = fields.CharField(max_length=500)
    weight = fields.IntField(default=100)  # hundredths, as its reporter's record was then
    created_at = fields.DatetimeField()
    outcome = fields.CharField(max_length=10, null=True)  # deleted, dismissed; none while it is open

    class Meta:
        table = "report"
        unique_together = (("message_id", "reporter_id"),)
        indexes = (("community_id", "outcome", "id"),)


class ModerationEntry(Model):
    """What a moderator did. Written in the transaction of the deed. The database refuses to change or remove it."""

    id = fields.BigIntField(primary_key=True, generated=False)
    community_id = fields.BigIntField()
    room_id = fields.BigIntField(null=True)
    actor_id = fields.BigIntField()
    action = fields.CharField(max_length=20)
    user_id = fields.BigIntField(null=True)  # to whom it was done
    message_id = fields.BigIntField(null=True)
    reason = fields.CharField(max_length=500, null=True)
    details: Any = fields.JSONField()  # never the text of a message: it could not be erased
    at = fields.DatetimeField()

    class Meta:
        table = "moderation_log"
        indexes = (("community_id", "id"),)
