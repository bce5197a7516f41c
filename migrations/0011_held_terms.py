"""Which term a held discussion or comment holds, as with held messages."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [('mypick', '0010_imports')]

    initial = False

    operations = [
        ops.AddField(model_name='HeldPost', name='term', field=fields.CharField(null=True, max_length=50)),
    ]
