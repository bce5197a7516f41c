"""Discussions and comments, with votes, what is held of them and how far people have read; reports of all kinds of posts."""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [('mypick', '0003_terms')]

    initial = False

    operations = [
        ops.CreateModel(
            name='Comment',
            fields=[
                ('id', fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ('discussion_id', fields.BigIntField()),
                ('author_id', fields.BigIntField()),
                ('parent_id', fields.BigIntField(null=True)),
                ('reply_to', fields.BigIntField(null=True)),
                ('depth', fields.SmallIntField(default=0)),
                ('ancestors', fields.CharField(default='', max_length=160)),
                ('seq', fields.BigIntField()),
                ('changed_seq', fields.BigIntField()),
                ('text', fields.TextField(unique=False)),
                ('rev', fields.IntField(default=1)),
                ('ups', fields.IntField(default=0)),
                ('downs', fields.IntField(default=0)),
                ('score', fields.IntField(default=0)),
                ('best', fields.IntField(default=0)),
                ('replies', fields.IntField(default=0)),
                ('told_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('untold', fields.SmallIntField(default=0)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('edited_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('deleted_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'comment', 'app': 'mypick', 'unique_together': (('discussion_id', 'seq'),), 'indexes': [Index(fields=['discussion_id', 'parent_id', 'best', 'id']), Index(fields=['discussion_id', 'parent_id', 'seq']), Index(fields=['author_id', 'id'])], 'pk_attr': 'id', 'table_description': 'What somebody said in a discussion. Its id is the id of its ``comment-created``, ``seq`` the place of that in the'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Discussion',
            fields=[
                ('id', fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ('community_id', fields.BigIntField()),
                ('author_id', fields.BigIntField()),
                ('title', fields.CharField(max_length=150)),
                ('text', fields.TextField(unique=False)),
                ('rev', fields.IntField(default=1)),
                ('place', fields.SmallIntField(default=1)),
                ('locked', fields.BooleanField(default=False)),
                ('ups', fields.IntField(default=0)),
                ('downs', fields.IntField(default=0)),
                ('score', fields.IntField(default=0)),
                ('hot', fields.BigIntField()),
                ('comments', fields.IntField(default=0)),
                ('last_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('changed_seq', fields.BigIntField(default=0)),
                ('told_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('untold', fields.SmallIntField(default=0)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('edited_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('deleted_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'discussion', 'app': 'mypick', 'indexes': [Index(fields=['community_id', 'place', 'created_at', 'id', 'score']), Index(fields=['community_id', 'place', 'hot', 'id']), Index(fields=['community_id', 'place', 'score', 'id']), Index(fields=['author_id', 'id'])], 'pk_attr': 'id', 'table_description': 'Something to talk about. Its id is the id of its ``discussion-created``. Changes under the locks of the streams'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='HeldPost',
            fields=[
                ('id', fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ('community_id', fields.BigIntField()),
                ('discussion_id', fields.BigIntField(null=True)),
                ('reply_to', fields.BigIntField(null=True)),
                ('author_id', fields.BigIntField()),
                ('title', fields.CharField(default='', max_length=150)),
                ('text', fields.TextField(unique=False)),
                ('cause', fields.CharField(max_length=20)),
                ('status', fields.CharField(default='waiting', max_length=10)),
                ('created_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('decided_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('decided_by', fields.BigIntField(null=True)),
            ],
            options={'table': 'held_post', 'app': 'mypick', 'indexes': [Index(fields=['community_id', 'status', 'id']), Index(fields=['author_id', 'community_id', 'status'])], 'pk_attr': 'id', 'table_description': 'What waits for a moderator. It is in no stream. Let through, it becomes a post with the same id.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='PostRevision',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('post_id', fields.BigIntField()),
                ('rev', fields.IntField()),
                ('title', fields.CharField(default='', max_length=150)),
                ('text', fields.TextField(unique=False)),
                ('replaced_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'post_revision', 'app': 'mypick', 'unique_together': (('post_id', 'rev'),), 'pk_attr': 'id', 'table_description': 'What a post said before it was edited. Goes with the text when the post is deleted.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Visit',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('user_id', fields.BigIntField()),
                ('discussion_id', fields.BigIntField()),
                ('seq', fields.BigIntField(null=True)),
                ('follow', fields.CharField(default='none', max_length=10)),
                ('told', fields.BooleanField(default=False)),
            ],
            options={'table': 'discussion_visit', 'app': 'mypick', 'unique_together': (('user_id', 'discussion_id'),), 'indexes': [Index(fields=['discussion_id', 'follow', 'told'])], 'pk_attr': 'id', 'table_description': 'What one person has to do with one discussion: how far it was read, and whether it is followed.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Vote',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('post_id', fields.BigIntField()),
                ('user_id', fields.BigIntField()),
                ('value', fields.SmallIntField()),
            ],
            options={'table': 'post_vote', 'app': 'mypick', 'unique_together': (('post_id', 'user_id'),), 'indexes': [Index(fields=['user_id'])], 'pk_attr': 'id', 'table_description': "One person's vote on one post: 1 or -1. Taking it back removes it."},
            bases=['Model'],
        ),
        ops.AddField(
            model_name='Report',
            name='kind',
            field=fields.CharField(default='message', max_length=10),
        ),
    ]
