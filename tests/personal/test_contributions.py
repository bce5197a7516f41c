"""No feature forgets a person: every column that can name one is told of."""

from __future__ import annotations

import importlib

from tortoise.fields import BigIntField, IntField
from tortoise.models import Model

from mypick import db
from mypick.domain import Domain

OTHER_THINGS = {
    "channel_id",
    "community_id",
    "content_id",
    "creator_id",
    "discussion_id",
    "item_id",
    "message_id",
    "next_id",  # of the table that gives ids
    "notice_id",
    "parent_id",
    "party_id",
    "post_id",
    "room_id",
    "sanction_id",
    "session_id",
    "stream_id",
    "thread_id",
}
"""Columns that are numbers of other things than people. Whoever adds one says so here, or contributes it."""


def models() -> list[type[Model]]:
    modules = [importlib.import_module(name) for name in db.MODELS]
    found = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Model) and value is not Model
    }
    return sorted(found, key=lambda model: model.__name__)


async def test_every_column_that_names_a_person_is_in_a_contribution(domain: Domain) -> None:
    told = {
        (table, column)
        for contribution in domain.personal.contributions
        for table, columns in contribution.columns.items()
        for column in columns
    }
    there = {
        (model._meta.db_table, name)
        for model in models()
        for name, field in model._meta.fields_map.items()
        if isinstance(field, BigIntField | IntField)
        and name.endswith(("_id", "_by"))
        and name not in OTHER_THINGS
    }
    assert len(there) > 15
    assert told == there | {("message", "author_id")}


async def test_no_two_sections_write_one_file(domain: Domain) -> None:
    names = [section.name for contribution in domain.personal.contributions for section in contribution.sections]
    assert len(names) == len(set(names)) > 10
