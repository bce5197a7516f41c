"""Watch parties: each with its timeline, who belongs to it, and who is there on which node."""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [('mypick', '0012_hidden_posts')]

    initial = False

    operations = [
        ops.CreateModel(
            name='PartyMember',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('party_id', fields.BigIntField()),
                ('user_id', fields.BigIntField(db_index=True)),
                ('role', fields.CharField(default='guest', max_length=6)),
                ('invited', fields.BooleanField(default=False)),
                ('present', fields.BooleanField(default=False)),
                ('told', fields.BooleanField(default=False)),
                ('since_ms', fields.BigIntField(null=True)),
                ('left_ms', fields.BigIntField(null=True)),
                ('kicked', fields.BooleanField(default=False)),
                ('banned_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('ban_reason', fields.CharField(null=True, max_length=500)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'party_member', 'app': 'mypick', 'unique_together': (('party_id', 'user_id'),), 'indexes': [Index(fields=['party_id', 'present', 'since_ms'])], 'pk_attr': 'id', 'table_description': 'Somebody who was in a party, was asked to come, or may not come any more. The host is named by the party.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='PartyNode',
            fields=[
                ('node', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=40)),
                ('started_ms', fields.BigIntField()),
                ('until_ms', fields.BigIntField(db_index=True)),
            ],
            options={'table': 'party_node', 'app': 'mypick', 'pk_attr': 'node', 'table_description': 'A process that has sockets in parties, and until when it counts as alive unless it says so again.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='PartySeat',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('party_id', fields.BigIntField()),
                ('user_id', fields.BigIntField(db_index=True)),
                ('node', fields.CharField(db_index=True, max_length=40)),
                ('until_ms', fields.BigIntField(null=True, db_index=True)),
                ('ready_seq', fields.BigIntField(default=0)),
            ],
            options={'table': 'party_seat', 'app': 'mypick', 'unique_together': (('party_id', 'user_id', 'node'),), 'pk_attr': 'id', 'table_description': "Somebody's sockets in a party on one node: there while the node lives and the seat has no end."},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='WatchParty',
            fields=[
                ('id', fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ('title', fields.CharField(max_length=150)),
                ('visibility', fields.CharField(max_length=9)),
                ('creator_id', fields.BigIntField(db_index=True)),
                ('may_control', fields.CharField(max_length=8)),
                ('may_queue', fields.CharField(max_length=8)),
                ('may_invite', fields.CharField(max_length=8)),
                ('host_id', fields.BigIntField()),
                ('host_until_ms', fields.BigIntField(null=True, db_index=True)),
                ('opened_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('former_host_id', fields.BigIntField(null=True)),
                ('reclaim_until_ms', fields.BigIntField(null=True)),
                ('status', fields.CharField(max_length=8)),
                ('content_id', fields.BigIntField()),
                ('duration_ms', fields.BigIntField(null=True)),
                ('anchor_position_ms', fields.BigIntField()),
                ('anchor_at_ms', fields.BigIntField()),
                ('rate', fields.FloatField()),
                ('effective_at_ms', fields.BigIntField()),
                ('reason', fields.CharField(max_length=20)),
                ('timeline_epoch', fields.CharField(max_length=8)),
                ('timeline_seq', fields.BigIntField()),
                ('gate_until_ms', fields.BigIntField(null=True)),
                ('due_at_ms', fields.BigIntField(null=True, db_index=True)),
                ('created_by', fields.BigIntField(db_index=True)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('ended_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'watch_party', 'app': 'mypick', 'indexes': [Index(fields=['visibility', 'ended_at', 'id'])], 'pk_attr': 'id', 'table_description': 'A party and its timeline, whose event is in the stream ``party:{id}``. All but the lease changes under that'},
            bases=['Model'],
        ),
    ]
