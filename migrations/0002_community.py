"""Communities: rooms, messages, who belongs, and a moderation log that the database itself keeps from changing."""

from orjson import loads
from tortoise import fields, migrations
from tortoise.fields.data import JSON_DUMPS
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

# MySQL asks for rights beyond those of an owner before it takes a trigger, so there the log is kept by the code alone.
PROTECT = {
    "sqlite": [
        "CREATE TRIGGER moderation_log_no_update BEFORE UPDATE ON moderation_log "
        "BEGIN SELECT RAISE(ABORT, 'the moderation log cannot be changed'); END",
        "CREATE TRIGGER moderation_log_no_delete BEFORE DELETE ON moderation_log "
        "BEGIN SELECT RAISE(ABORT, 'the moderation log cannot be changed'); END",
    ],
    "postgres": [
        "CREATE FUNCTION moderation_log_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the moderation log cannot be changed'; END $$",
        "CREATE TRIGGER moderation_log_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON moderation_log "
        "FOR EACH STATEMENT EXECUTE FUNCTION moderation_log_refuse()",
    ],
}
RELEASE = {
    "sqlite": ["DROP TRIGGER moderation_log_no_update", "DROP TRIGGER moderation_log_no_delete"],
    "postgres": ["DROP TRIGGER moderation_log_keep ON moderation_log", "DROP FUNCTION moderation_log_refuse()"],
}


async def protect(apps, editor):
    for statement in PROTECT.get(editor.client.capabilities.dialect, ()):
        await editor.client.execute_query(statement)


async def release(apps, editor):
    for statement in RELEASE.get(editor.client.capabilities.dialect, ()):
        await editor.client.execute_query(statement)


class Migration(migrations.Migration):
    dependencies = [('mypick', '0001_spine')]

    initial = False

    operations = [
        ops.CreateModel(
            name='Community',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('creator_id', fields.BigIntField(unique=True)),
                ('name', fields.CharField(max_length=150)),
                ('visibility', fields.CharField(default='public', max_length=8)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'community', 'app': 'mypick', 'pk_attr': 'id', 'table_description': "Where a creator's fans talk. One for each creator."},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='HeldMessage',
            fields=[
                ('id', fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ('room_id', fields.BigIntField()),
                ('author_id', fields.BigIntField()),
                ('text', fields.TextField(unique=False)),
                ('reply_to', fields.BigIntField(null=True)),
                ('cause', fields.CharField(max_length=20)),
                ('status', fields.CharField(default='waiting', max_length=10)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('decided_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('decided_by', fields.BigIntField(null=True)),
            ],
            options={'table': 'held_message', 'app': 'mypick', 'indexes': [Index(fields=['room_id', 'status', 'id']), Index(fields=['author_id', 'room_id', 'status'])], 'pk_attr': 'id', 'table_description': 'What waits for a moderator. It is in no stream. Let through, it becomes a message with the same id.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Membership',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('community_id', fields.BigIntField()),
                ('user_id', fields.BigIntField(db_index=True)),
                ('rank', fields.SmallIntField()),
                ('joined_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'membership', 'app': 'mypick', 'unique_together': (('community_id', 'user_id'),), 'indexes': [Index(fields=['community_id', 'rank', 'user_id'])], 'pk_attr': 'id', 'table_description': 'Somebody belongs. Changes under the locks of the streams of all rooms of the community.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Message',
            fields=[
                ('id', fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ('room_id', fields.BigIntField()),
                ('seq', fields.BigIntField()),
                ('changed_seq', fields.BigIntField()),
                ('author_id', fields.BigIntField()),
                ('text', fields.TextField(unique=False)),
                ('text_hash', fields.CharField(max_length=32)),
                ('rev', fields.IntField(default=1)),
                ('reply_to', fields.BigIntField(null=True)),
                ('thread_id', fields.BigIntField(null=True)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('edited_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('deleted_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'message', 'app': 'mypick', 'unique_together': (('room_id', 'seq'),), 'indexes': [Index(fields=['author_id', 'room_id', 'seq']), Index(fields=['thread_id', 'seq']), Index(fields=['room_id', 'text_hash'])], 'pk_attr': 'id', 'table_description': "What somebody said. Its id is the id of its ``message-created``, ``seq`` the place of that in the room's stream."},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='MessageRevision',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('message_id', fields.BigIntField()),
                ('rev', fields.IntField()),
                ('text', fields.TextField(unique=False)),
                ('replaced_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'message_revision', 'app': 'mypick', 'unique_together': (('message_id', 'rev'),), 'pk_attr': 'id', 'table_description': 'What a message said before it was edited. Goes with the text when the message is deleted.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='ModerationEntry',
            fields=[
                ('id', fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ('community_id', fields.BigIntField()),
                ('room_id', fields.BigIntField(null=True)),
                ('actor_id', fields.BigIntField()),
                ('action', fields.CharField(max_length=20)),
                ('user_id', fields.BigIntField(null=True)),
                ('message_id', fields.BigIntField(null=True)),
                ('reason', fields.CharField(null=True, max_length=500)),
                ('details', fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ('at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'moderation_log', 'app': 'mypick', 'indexes': [Index(fields=['community_id', 'id'])], 'pk_attr': 'id', 'table_description': 'What a moderator did. Written in the transaction of the deed. The database refuses to change or remove it.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Pin',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('room_id', fields.BigIntField(db_index=True)),
                ('message_id', fields.BigIntField(unique=True)),
                ('actor_id', fields.BigIntField()),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'pin', 'app': 'mypick', 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Reaction',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('message_id', fields.BigIntField()),
                ('emoji', fields.CharField(max_length=32)),
                ('user_id', fields.BigIntField()),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'reaction', 'app': 'mypick', 'unique_together': (('message_id', 'emoji', 'user_id'),), 'indexes': [Index(fields=['user_id'])], 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='ReadMarker',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('user_id', fields.BigIntField()),
                ('room_id', fields.BigIntField()),
                ('seq', fields.BigIntField()),
            ],
            options={'table': 'read_marker', 'app': 'mypick', 'unique_together': (('user_id', 'room_id'),), 'pk_attr': 'id', 'table_description': 'Up to where somebody has read a room. Only moves on.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Report',
            fields=[
                ('id', fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ('community_id', fields.BigIntField()),
                ('message_id', fields.BigIntField()),
                ('reporter_id', fields.BigIntField(db_index=True)),
                ('reason', fields.CharField(max_length=500)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('outcome', fields.CharField(null=True, max_length=10)),
            ],
            options={'table': 'report', 'app': 'mypick', 'unique_together': (('message_id', 'reporter_id'),), 'indexes': [Index(fields=['community_id', 'outcome', 'id'])], 'pk_attr': 'id', 'table_description': 'Somebody thinks that a message should not be there. One for each message and person.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Room',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('community_id', fields.BigIntField(db_index=True)),
                ('name', fields.CharField(max_length=80)),
                ('kind', fields.CharField(default='chat', max_length=10)),
                ('slow_seconds', fields.IntField(default=0)),
                ('members_only', fields.BooleanField(default=False)),
                ('follow_minutes', fields.IntField(default=0)),
                ('locked', fields.BooleanField(default=False)),
                ('unique_text', fields.BooleanField(default=False)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'room', 'app': 'mypick', 'pk_attr': 'id', 'table_description': "A place for live chat, and its mode. Its stream is ``room:{id}``. The mode changes under that stream's lock."},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='RoomPace',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('room_id', fields.BigIntField()),
                ('user_id', fields.BigIntField()),
                ('sent_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'room_pace', 'app': 'mypick', 'unique_together': (('room_id', 'user_id'),), 'pk_attr': 'id', 'table_description': 'When somebody last sent into a room in slow mode.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Sanction',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('community_id', fields.BigIntField()),
                ('user_id', fields.BigIntField(db_index=True)),
                ('kind', fields.CharField(max_length=8)),
                ('until', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('reason', fields.CharField(null=True, max_length=500)),
                ('actor_id', fields.BigIntField()),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'sanction', 'app': 'mypick', 'unique_together': (('community_id', 'user_id', 'kind'),), 'pk_attr': 'id', 'table_description': 'Somebody may not write (timeout) or not come in (ban). Lifting one removes it, the log keeps that it was.'},
            bases=['Model'],
        ),
        ops.RunPython(protect, release),
    ]
