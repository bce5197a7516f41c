"""Logs of chats from elsewhere: how far a file is, and under which ids messages were known there."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [('mypick', '0009_reactions')]

    initial = False

    operations = [
        ops.CreateModel(
            name='ChatImport',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('room_id', fields.BigIntField()),
                ('file_hash', fields.CharField(max_length=64)),
                ('offset', fields.BigIntField(default=0)),
                ('number', fields.BigIntField(default=0)),
                ('messages', fields.BigIntField(default=0)),
                ('bad', fields.BigIntField(default=0)),
                ('started_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('finished_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'chat_import', 'app': 'mypick', 'unique_together': (('room_id', 'file_hash'),), 'pk_attr': 'id', 'table_description': 'A file on its way into a room, and how far it is: a run that was stopped goes on from there.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='ImportedMessage',
            fields=[
                ('message_id', fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ('room_id', fields.BigIntField()),
                ('source_key', fields.CharField(max_length=100)),
            ],
            options={'table': 'imported_message', 'app': 'mypick', 'unique_together': (('room_id', 'source_key'),), 'pk_attr': 'message_id', 'table_description': 'Under which id of its source a message is here already.'},
            bases=['Model'],
        ),
    ]
