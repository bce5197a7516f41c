"""Previews of the links in discussions and comments."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [('mypick', '0014_party_life')]

    initial = False

    operations = [
        ops.CreateModel(
            name='PostPreview',
            fields=[
                ('post_id', fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ('url', fields.CharField(max_length=2000)),
                ('kind', fields.CharField(max_length=5)),
                ('title', fields.CharField(max_length=200)),
                ('description', fields.CharField(max_length=300)),
                ('site', fields.CharField(max_length=100)),
            ],
            options={'table': 'post_preview', 'app': 'mypick', 'pk_attr': 'post_id', 'table_description': 'What is behind the first link of a post. Goes with its text.'},
            bases=['Model'],
        ),
    ]
