"""Tables of background work: what is due, claimed, tried and done."""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model


class Job(Model):
    """One piece of work. Written in the transaction that asks for it, so neither can exist without the other."""

    id = fields.BigIntField(primary_key=True)
    kind = fields.CharField(max_length=40)
    dedupe_key = fields.CharField(max_length=120, unique=True, null=True)
    priority = fields.SmallIntField(default=5)  # 1 first, 9 last
    args: Any = fields.JSONField()
    cursor: Any = fields.JSONField(null=True)  # how far a long job has come
    state = fields.CharField(max_length=8, default="due")  # due, done, dead
    attempts = fields.IntField(default=0)
    due_at = fields.DatetimeField()
    leased_until = fields.DatetimeField(null=True)
    lease = fields.CharField(max_length=32, null=True)  # who holds it: a late worker cannot finish another's claim
    last_error = fields.TextField(null=True)
    created_at = fields.DatetimeField()
    finished_at = fields.DatetimeField(null=True)

    class Meta:
        table = "job"
        indexes = (("state", "priority", "due_at"),)


class Lease(Model):
    """Who leads, until when. One row for each thing that only one process may do."""

    name = fields.CharField(max_length=64, primary_key=True)
    holder = fields.CharField(max_length=64)
    expires_at = fields.DatetimeField()

    class Meta:
        table = "lease"
