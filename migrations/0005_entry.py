"""Ways into a community, the desk of its moderators, and what its rooms and reports need for them."""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [('mypick', '0004_discussions')]

    initial = False

    operations = [
        ops.CreateModel(
            name='Appeal',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('community_id', fields.BigIntField()),
                ('sanction_id', fields.BigIntField(unique=True)),
                ('kind', fields.CharField(max_length=8)),
                ('user_id', fields.BigIntField(db_index=True)),
                ('text', fields.CharField(max_length=1000)),
                ('status', fields.CharField(default='waiting', max_length=10)),
                ('answer', fields.CharField(null=True, max_length=500)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('decided_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('decided_by', fields.BigIntField(null=True)),
            ],
            options={'table': 'appeal', 'app': 'mypick', 'indexes': [Index(fields=['community_id', 'status', 'id'])], 'pk_attr': 'id', 'table_description': 'What somebody says to their timeout or ban: one note for each.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Claim',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('community_id', fields.BigIntField()),
                ('user_id', fields.BigIntField()),
                ('code', fields.CharField(max_length=24)),
                ('text', fields.CharField(max_length=500)),
                ('status', fields.CharField(default='waiting', max_length=10)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('decided_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('decided_by', fields.BigIntField(null=True)),
            ],
            options={'table': 'creator_claim', 'app': 'mypick', 'unique_together': (('community_id', 'user_id'),), 'indexes': [Index(fields=['status', 'id']), Index(fields=['user_id', 'status'])], 'pk_attr': 'id', 'table_description': "Somebody says that they are the creator. The code, placed on one of the creator's channels, proves it."},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='DeskClaim',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('community_id', fields.BigIntField()),
                ('kind', fields.CharField(max_length=10)),
                ('item_id', fields.BigIntField()),
                ('user_id', fields.BigIntField()),
                ('until', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'desk_claim', 'app': 'mypick', 'unique_together': (('community_id', 'kind', 'item_id'),), 'pk_attr': 'id', 'table_description': 'A moderator deals with an item for a while, so that no second one begins. It binds nobody.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Invite',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('community_id', fields.BigIntField()),
                ('code', fields.CharField(unique=True, max_length=10)),
                ('max_uses', fields.IntField()),
                ('uses', fields.IntField(default=0)),
                ('approval', fields.BooleanField(default=False)),
                ('expires_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('revoked_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('actor_id', fields.BigIntField()),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'invite', 'app': 'mypick', 'indexes': [Index(fields=['community_id', 'id'])], 'pk_attr': 'id', 'table_description': 'A code that lets people in. Each use is one conditional update, so no more come in than it has uses.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='JoinRequest',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('community_id', fields.BigIntField()),
                ('user_id', fields.BigIntField()),
                ('text', fields.CharField(max_length=300)),
                ('status', fields.CharField(default='waiting', max_length=10)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('decided_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('decided_by', fields.BigIntField(null=True)),
            ],
            options={'table': 'join_request', 'app': 'mypick', 'unique_together': (('community_id', 'user_id'),), 'indexes': [Index(fields=['community_id', 'status', 'id']), Index(fields=['user_id', 'status'])], 'pk_attr': 'id', 'table_description': 'Somebody asks to come in. The newest of each person and community is kept.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Purge',
            fields=[
                ('id', fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ('community_id', fields.BigIntField()),
                ('room_id', fields.BigIntField(null=True)),
                ('user_id', fields.BigIntField()),
                ('actor_id', fields.BigIntField()),
                ('since', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('found', fields.IntField()),
                ('done', fields.IntField(default=0)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('finished_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'purge', 'app': 'mypick', 'indexes': [Index(fields=['community_id', 'id'])], 'pk_attr': 'id', 'table_description': 'The messages of one person are deleted, a batch at a time. ``done`` moves in the transaction of each batch.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='ReporterRecord',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('community_id', fields.BigIntField()),
                ('user_id', fields.BigIntField()),
                ('agreed', fields.IntField(default=0)),
                ('disagreed', fields.IntField(default=0)),
            ],
            options={'table': 'reporter_record', 'app': 'mypick', 'unique_together': (('community_id', 'user_id'),), 'pk_attr': 'id', 'table_description': "How often the moderators of a community agreed with somebody's reports."},
            bases=['Model'],
        ),
        ops.AddField(
            model_name='Community',
            name='claimed_at',
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name='Community',
            name='description',
            field=fields.CharField(default='', max_length=500),
        ),
        ops.AddField(
            model_name='Community',
            name='rules',
            field=fields.CharField(default='', max_length=4000),
        ),
        ops.AddField(
            model_name='Message',
            name='hidden_at',
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name='Report',
            name='weight',
            field=fields.IntField(default=100),
        ),
        ops.AddField(
            model_name='Room',
            name='archived_at',
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name='Room',
            name='position',
            field=fields.SmallIntField(default=0),
        ),
    ]
