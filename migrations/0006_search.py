"""The search index: what waits, segments and their pages, and by which rules all of it was made."""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

RULES = 1


async def begin(apps, editor):
    """What was said before there was an index is found after `run.py reindex`."""
    _, rows = await editor.client.execute_query("SELECT 1 FROM message LIMIT 1")
    rules = 0 if rows else RULES
    await editor.client.execute_query(
        f"INSERT INTO search_state (id, rules, reindexing, kind, ref) VALUES (1, {rules:d}, 0, 0, 0)"  # noqa: S608
    )


async def end(apps, editor):
    await editor.client.execute_query("DELETE FROM search_state")


class Migration(migrations.Migration):
    dependencies = [('mypick', '0005_entry')]

    initial = False

    operations = [
        ops.CreateModel(
            name='SearchPage',
            fields=[
                ('id', fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ('body', fields.BinaryField()),
            ],
            options={'table': 'search_page', 'app': 'mypick', 'pk_attr': 'id', 'table_description': 'A part of a segment. The segment and the number of the page make its key: those of one stand together.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='SearchPending',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('kind', fields.SmallIntField()),
                ('ref', fields.BigIntField()),
                ('community_id', fields.BigIntField()),
                ('at', fields.BigIntField()),
                ('again', fields.BooleanField()),
                ('terms', fields.BinaryField()),
            ],
            options={'table': 'search_pending', 'app': 'mypick', 'unique_together': (('kind', 'ref'),), 'indexes': [Index(fields=['community_id', 'at'])], 'pk_attr': 'id', 'table_description': 'A text that waits to be packed into a segment. Written with the text, found at once.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='SearchSegment',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('low', fields.BigIntField()),
                ('high', fields.BigIntField(db_index=True)),
                ('texts', fields.IntField()),
                ('removed', fields.IntField(default=0)),
                ('rules', fields.IntField()),
                ('firsts', fields.BinaryField()),
            ],
            options={'table': 'search_segment', 'app': 'mypick', 'pk_attr': 'id', 'table_description': 'Up to 4,096 texts whose terms are packed together. Changes under the lock of its row.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='SearchState',
            fields=[
                ('id', fields.SmallIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ('rules', fields.IntField()),
                ('reindexing', fields.IntField(default=0)),
                ('kind', fields.SmallIntField(default=0)),
                ('ref', fields.BigIntField(default=0)),
            ],
            options={'table': 'search_state', 'app': 'mypick', 'pk_attr': 'id', 'table_description': 'By which rules all texts are indexed, and how far a reindex has come. One row.'},
            bases=['Model'],
        ),
        ops.RunPython(begin, end),
    ]
