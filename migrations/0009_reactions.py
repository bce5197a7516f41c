"""When the reactions of a message were told last, and whether some wait to be told."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [('mypick', '0008_previews')]

    initial = False

    operations = [
        ops.AddField(
            model_name='Message',
            name='reacted_at',
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name='Message',
            name='reactions_due',
            field=fields.BooleanField(default=False),
        ),
    ]
