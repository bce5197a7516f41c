"""What goes on around a party's video: invites, times, queues, what was watched and what was said."""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [('mypick', '0013_watch_parties')]

    initial = False

    operations = [
        ops.CreateModel(
            name='PartyAttendance',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('party_id', fields.BigIntField()),
                ('user_id', fields.BigIntField(db_index=True)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'party_attendance', 'app': 'mypick', 'unique_together': (('party_id', 'user_id'),), 'pk_attr': 'id', 'table_description': 'Somebody says that they will come to a party that begins at a time.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='PartyInvite',
            fields=[
                ('id', fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ('party_id', fields.BigIntField()),
                ('max_uses', fields.IntField()),
                ('uses', fields.IntField(default=0)),
                ('expires_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('revoked_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('actor_id', fields.BigIntField(db_index=True)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'party_invite', 'app': 'mypick', 'indexes': [Index(fields=['party_id', 'id'])], 'pk_attr': 'id', 'table_description': 'An invite to a party. Its token is signed and stands nowhere: it is made again from this row. Each use is one'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='PartyMessage',
            fields=[
                ('id', fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ('party_id', fields.BigIntField()),
                ('seq', fields.BigIntField()),
                ('author_id', fields.BigIntField(db_index=True)),
                ('text', fields.TextField(unique=False)),
                ('content_id', fields.BigIntField()),
                ('position_ms', fields.BigIntField()),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('deleted_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'party_message', 'app': 'mypick', 'unique_together': (('party_id', 'seq'),), 'pk_attr': 'id', 'table_description': 'Something said in a party, and where the video was then. A deleted one is a tombstone without text.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='QueueItem',
            fields=[
                ('id', fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ('party_id', fields.BigIntField()),
                ('content_id', fields.BigIntField()),
                ('added_by', fields.BigIntField(db_index=True)),
                ('added_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('place', fields.BigIntField()),
                ('votes', fields.IntField(default=0)),
                ('told_votes', fields.IntField(default=0)),
            ],
            options={'table': 'party_queue_item', 'app': 'mypick', 'unique_together': (('party_id', 'content_id'),), 'pk_attr': 'id', 'table_description': "Content that a party will play. Changes under the lock of the party's stream."},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='QueueVote',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('item_id', fields.BigIntField()),
                ('user_id', fields.BigIntField(db_index=True)),
            ],
            options={'table': 'party_queue_vote', 'app': 'mypick', 'unique_together': (('item_id', 'user_id'),), 'pk_attr': 'id', 'table_description': 'Somebody wants to see an item soon.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Watched',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('party_id', fields.BigIntField()),
                ('content_id', fields.BigIntField()),
                ('from_ms', fields.BigIntField()),
                ('until_ms', fields.BigIntField(null=True)),
                ('guests', fields.IntField(default=0)),
            ],
            options={'table': 'party_watched', 'app': 'mypick', 'indexes': [Index(fields=['party_id', 'id'])], 'pk_attr': 'id', 'table_description': 'Content that a party has played, from when to when on the watch-party clock.'},
            bases=['Model'],
        ),
        ops.AddField(
            model_name='WatchParty',
            name='autoplay',
            field=fields.BooleanField(default=True),
        ),
        ops.AddField(
            model_name='WatchParty',
            name='capacity',
            field=fields.IntField(default=5000),
        ),
        ops.AddField(
            model_name='WatchParty',
            name='starts_at',
            field=fields.DatetimeField(null=True, db_index=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name='WatchParty',
            name='votes_due',
            field=fields.BooleanField(default=False),
        ),
        ops.AddField(
            model_name='WatchParty',
            name='votes_told_ms',
            field=fields.BigIntField(null=True),
        ),
    ]
