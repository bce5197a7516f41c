"""Terms that communities block, hold or allow, and why a message is held."""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [('mypick', '0002_community')]

    initial = False

    operations = [
        ops.CreateModel(
            name='TermRow',
            fields=[
                ('id', fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ('community_id', fields.BigIntField()),
                ('norm', fields.CharField(max_length=200)),
                ('text', fields.CharField(max_length=50)),
                ('effect', fields.CharField(max_length=5)),
                ('actor_id', fields.BigIntField()),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'term', 'app': 'mypick', 'unique_together': (('community_id', 'norm'),), 'indexes': [Index(fields=['community_id', 'id'])], 'pk_attr': 'id', 'table_description': "What a community blocks, holds or allows. Changes under the locks of all its rooms' streams."},
            bases=['Model'],
        ),
        ops.AddField(model_name='Community', name='term_lists', field=fields.CharField(default='ko,en', max_length=20)),
        ops.AddField(model_name='Community', name='terms_rev', field=fields.BigIntField(default=0)),
        ops.AddField(model_name='HeldMessage', name='term', field=fields.CharField(null=True, max_length=50)),
    ]
