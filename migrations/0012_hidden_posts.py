"""Discussions and comments that reports took from view until a moderator looks, as with messages."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [('mypick', '0011_held_terms')]

    initial = False

    operations = [
        ops.AddField(
            model_name=model,
            name='hidden_at',
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        )
        for model in ('Discussion', 'Comment')
    ]
