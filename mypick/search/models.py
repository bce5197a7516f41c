"""Tables of the search index. Only this package reads or writes them."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class SearchPending(Model):
    """A text that waits to be packed into a segment. Written with the text, found at once."""

    id = fields.BigIntField(primary_key=True)
    kind = fields.SmallIntField()
    ref = fields.BigIntField()  # the row that holds the text
    community_id = fields.BigIntField()
    at = fields.BigIntField()  # microseconds since 1970
    again = fields.BooleanField()  # an older version of it may be in a segment
    terms = fields.BinaryField()

    class Meta:
        table = "search_pending"
        unique_together = (("kind", "ref"),)
        indexes = (("community_id", "at"),)


class SearchSegment(Model):
    """Up to 4,096 texts whose terms are packed together. Changes under the lock of its row."""

    id = fields.BigIntField(primary_key=True)
    low = fields.BigIntField()  # the oldest text, in microseconds since 1970
    high = fields.BigIntField(db_index=True)
    texts = fields.IntField()
    removed = fields.IntField(default=0)
    rules = fields.IntField()  # by which its terms were made
    firsts = fields.BinaryField()  # the oldest moment of each page of its directory

    class Meta:
        table = "search_segment"


class SearchPage(Model):
    """A part of a segment. The segment and the number of the page make its key: those of one stand together."""

    id = fields.BigIntField(primary_key=True, generated=False)
    body = fields.BinaryField()

    class Meta:
        table = "search_page"


class SearchState(Model):
    """By which rules all texts are indexed, and how far a reindex has come. One row."""

    id = fields.SmallIntField(primary_key=True, generated=False)
    rules = fields.IntField()
    reindexing = fields.IntField(default=0)  # the rules that a reindex brings; 0 where none is under way
    kind = fields.SmallIntField(default=0)  # and ref: the last text that it did
    ref = fields.BigIntField(default=0)

    class Meta:
        table = "search_state"
