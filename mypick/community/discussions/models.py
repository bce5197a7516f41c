"""Tables of discussions. Discussions and comments are posts: one counter gives their ids, so an id names one post."""

from __future__ import annotations

from enum import IntEnum

from tortoise import fields
from tortoise.models import Model


class Place(IntEnum):
    """Where a discussion stands in its community's list."""

    GONE = 0  # deleted: in no list
    LISTED = 1
    PINNED = 2


class Discussion(Model):
    """Something to talk about. Its id is the id of its ``discussion-created``. Changes under the locks of the streams
    ``community:{id}`` and ``discussion:{id}``. A deleted one stays as a tombstone, without title and text."""

    id = fields.BigIntField(primary_key=True, generated=False)
    community_id = fields.BigIntField()
    author_id = fields.BigIntField()
    title = fields.CharField(max_length=150)
    text = fields.TextField()
    rev = fields.IntField(default=1)
    place = fields.SmallIntField(default=1)  # a Place
    locked = fields.BooleanField(default=False)
    ups = fields.IntField(default=0)
    downs = fields.IntField(default=0)
    score = fields.IntField(default=0)  # ups - downs
    hot = fields.BigIntField()  # as in ranking.py
    comments = fields.IntField(default=0)  # that are not deleted
    last_at = fields.DatetimeField()  # of the last comment; of its own beginning before the first
    changed_seq = fields.BigIntField(default=0)  # of the last event about itself in its stream
    told_at = fields.DatetimeField(null=True)  # when its counts were last told
    untold = fields.SmallIntField(default=0)  # what a job will tell: 1 its counts, 2 its votes too
    created_at = fields.DatetimeField()
    edited_at = fields.DatetimeField(null=True)
    deleted_at = fields.DatetimeField(null=True)
    hidden_at = fields.DatetimeField(null=True)  # reports took it from view until a moderator looks

    class Meta:
        table = "discussion"
        indexes = (
            ("community_id", "place", "created_at", "id", "score"),  # a top of some days is read from it alone
            ("community_id", "place", "hot", "id"),
            ("community_id", "place", "score", "id"),
            ("author_id", "id"),
        )


class Comment(Model):
    """What somebody said in a discussion. Its id is the id of its ``comment-created``, ``seq`` the place of that in the
    discussion's stream. A deleted one stays as a tombstone, without its text."""

    id = fields.BigIntField(primary_key=True, generated=False)
    discussion_id = fields.BigIntField()
    author_id = fields.BigIntField()
    parent_id = fields.BigIntField(null=True)  # under which it hangs
    reply_to = fields.BigIntField(null=True)  # which it answers: not the parent where the tree may go no deeper
    depth = fields.SmallIntField(default=0)
    ancestors = fields.CharField(max_length=160, default="")  # ids from the top down to the parent, with commas
    seq = fields.BigIntField()
    changed_seq = fields.BigIntField()  # of the last event about it
    text = fields.TextField()
    rev = fields.IntField(default=1)
    ups = fields.IntField(default=0)
    downs = fields.IntField(default=0)
    score = fields.IntField(default=0)
    best = fields.IntField(default=0)  # as in ranking.py
    replies = fields.IntField(default=0)  # that hang under it, deleted ones too
    told_at = fields.DatetimeField(null=True)
    untold = fields.SmallIntField(default=0)
    created_at = fields.DatetimeField()
    edited_at = fields.DatetimeField(null=True)
    deleted_at = fields.DatetimeField(null=True)
    hidden_at = fields.DatetimeField(null=True)  # reports took it from view until a moderator looks

    class Meta:
        table = "comment"
        unique_together = (("discussion_id", "seq"),)
        indexes = (
            ("discussion_id", "parent_id", "best", "id"),
            ("discussion_id", "parent_id", "seq"),
            ("author_id", "id"),
        )


class PostRevision(Model):
    """What a post said before it was edited. Goes with the text when the post is deleted."""

    id = fields.BigIntField(primary_key=True)
    post_id = fields.BigIntField()
    rev = fields.IntField()
    title = fields.CharField(max_length=150, default="")
    text = fields.TextField()
    replaced_at = fields.DatetimeField()

    class Meta:
        table = "post_revision"
        unique_together = (("post_id", "rev"),)


class PostPreview(Model):
    """What is behind the first link of a post. Goes with its text."""

    post_id = fields.BigIntField(primary_key=True, generated=False)
    url = fields.CharField(max_length=2_000)
    kind = fields.CharField(max_length=5)  # page, image
    title = fields.CharField(max_length=200)
    description = fields.CharField(max_length=300)
    site = fields.CharField(max_length=100)

    class Meta:
        table = "post_preview"


class Vote(Model):
    """One person's vote on one post: 1 or -1. Taking it back removes it."""

    id = fields.BigIntField(primary_key=True)
    post_id = fields.BigIntField()
    user_id = fields.BigIntField()
    value = fields.SmallIntField()

    class Meta:
        table = "post_vote"
        unique_together = (("post_id", "user_id"),)
        indexes = (("user_id",),)


class Visit(Model):
    """What one person has to do with one discussion: how far it was read, and whether it is followed."""

    id = fields.BigIntField(primary_key=True)
    user_id = fields.BigIntField()
    discussion_id = fields.BigIntField()
    seq = fields.BigIntField(null=True)  # up to where it was read; only moves on
    follow = fields.CharField(max_length=10, default="none")  # none, following, muted
    told = fields.BooleanField(default=False)  # of something new, and has not read since

    class Meta:
        table = "discussion_visit"
        unique_together = (("user_id", "discussion_id"),)
        indexes = (("discussion_id", "follow", "told"),)


class HeldPost(Model):
    """What waits for a moderator. It is in no stream. Let through, it becomes a post with the same id."""

    id = fields.BigIntField(primary_key=True, generated=False)
    community_id = fields.BigIntField()
    discussion_id = fields.BigIntField(null=True)  # none for one that would begin a discussion
    reply_to = fields.BigIntField(null=True)
    author_id = fields.BigIntField()
    title = fields.CharField(max_length=150, default="")  # empty once decided, as the text
    text = fields.TextField()
    cause = fields.CharField(max_length=20)  # term, link, flood
    term = fields.CharField(max_length=50, null=True)  # that the post holds
    status = fields.CharField(max_length=10, default="waiting")  # waiting, approved, rejected, expired
    created_at = fields.DatetimeField()
    decided_at = fields.DatetimeField(null=True)
    decided_by = fields.BigIntField(null=True)

    class Meta:
        table = "held_post"
        indexes = (("community_id", "status", "id"), ("author_id", "community_id", "status"))
