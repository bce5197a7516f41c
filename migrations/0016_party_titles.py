"""Whose words a party's title is, and notices by where they lead: so that an erased title is nowhere."""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [('mypick', '0015_post_previews')]

    initial = False

    operations = [
        ops.AddField(model_name='WatchParty', name='titled_by', field=fields.BigIntField(null=True, db_index=True)),
        ops.AddIndex(model_name='Notice', index=Index(fields=['url'])),
    ]
