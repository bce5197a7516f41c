"""Previews of links: what was found behind them, and which message shows what."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [('mypick', '0007_personal')]

    initial = False

    operations = [
        ops.CreateModel(
            name='LinkPreview',
            fields=[
                ('key', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64)),
                ('kind', fields.CharField(max_length=5)),
                ('title', fields.CharField(max_length=200)),
                ('description', fields.CharField(max_length=300)),
                ('site', fields.CharField(max_length=100)),
                ('expires_at', fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'link_preview', 'app': 'mypick', 'pk_attr': 'key', 'table_description': 'What was behind a link, for a day, or that there was nothing, for an hour. Never the link itself.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='MessagePreview',
            fields=[
                ('message_id', fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ('url', fields.CharField(max_length=2000)),
                ('kind', fields.CharField(max_length=5)),
                ('title', fields.CharField(max_length=200)),
                ('description', fields.CharField(max_length=300)),
                ('site', fields.CharField(max_length=100)),
            ],
            options={'table': 'message_preview', 'app': 'mypick', 'pk_attr': 'message_id', 'table_description': 'What is behind the first link of a message. Goes with its text.'},
            bases=['Model'],
        ),
        ops.AddField(model_name='Room', name='previews', field=fields.BooleanField(default=True)),
    ]
