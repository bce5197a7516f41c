"""A person's data: exports, erasures, whom a notice quotes, and a moderation log of which a reason can be erased."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

# What was done cannot be changed and not removed. A reason, which people wrote about people, can be emptied.
_KEPT = ("id", "community_id", "room_id", "actor_id", "action", "user_id", "message_id", "details", "at")
_REFUSE = "RAISE(ABORT, 'the moderation log cannot be changed')"
PROTECT = {
    "sqlite": [
        "DROP TRIGGER moderation_log_no_update",
        "CREATE TRIGGER moderation_log_no_update BEFORE UPDATE ON moderation_log WHEN NEW.reason IS NOT NULL OR "
        + " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in _KEPT)
        + f" BEGIN SELECT {_REFUSE}; END",
    ],
    "postgres": [
        "DROP TRIGGER moderation_log_keep ON moderation_log",
        "CREATE TRIGGER moderation_log_keep BEFORE DELETE OR TRUNCATE ON moderation_log "
        "FOR EACH STATEMENT EXECUTE FUNCTION moderation_log_refuse()",
        "CREATE TRIGGER moderation_log_no_update BEFORE UPDATE ON moderation_log FOR EACH ROW "
        "WHEN (NEW.reason IS NOT NULL OR "
        + " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in _KEPT)
        + ") EXECUTE FUNCTION moderation_log_refuse()",
    ],
}
RELEASE = {
    "sqlite": [
        "DROP TRIGGER moderation_log_no_update",
        f"CREATE TRIGGER moderation_log_no_update BEFORE UPDATE ON moderation_log BEGIN SELECT {_REFUSE}; END",
    ],
    "postgres": [
        "DROP TRIGGER moderation_log_no_update ON moderation_log",
        "DROP TRIGGER moderation_log_keep ON moderation_log",
        "CREATE TRIGGER moderation_log_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON moderation_log "
        "FOR EACH STATEMENT EXECUTE FUNCTION moderation_log_refuse()",
    ],
}


async def protect(apps, editor):
    for statement in PROTECT.get(editor.client.capabilities.dialect, ()):
        await editor.client.execute_query(statement)


async def release(apps, editor):
    for statement in RELEASE.get(editor.client.capabilities.dialect, ()):
        await editor.client.execute_query(statement)


class Migration(migrations.Migration):
    dependencies = [('mypick', '0006_search')]

    initial = False

    operations = [
        ops.CreateModel(
            name='Erasure',
            fields=[
                ('id', fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ('user_id', fields.BigIntField(unique=True)),
                ('state', fields.CharField(default='waiting', max_length=8)),
                ('asked_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('due_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('finished_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'erasure', 'app': 'mypick', 'pk_attr': 'id', 'table_description': 'Somebody wanted to be forgotten. The row stays as the record that it was done, and tells nothing of them.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Export',
            fields=[
                ('id', fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ('user_id', fields.BigIntField(db_index=True)),
                ('under_way', fields.BigIntField(null=True, unique=True)),
                ('state', fields.CharField(default='waiting', max_length=8)),
                ('sections_done', fields.IntField(default=0)),
                ('rows_done', fields.BigIntField(default=0)),
                ('size', fields.BigIntField(null=True)),
                ('asked_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('ready_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('expires_at', fields.DatetimeField(null=True, db_index=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'export', 'app': 'mypick', 'pk_attr': 'id', 'table_description': "A file with all that is a person's."},
            bases=['Model'],
        ),
        ops.AddField(model_name='Notice', name='actor_id', field=fields.BigIntField(null=True, db_index=True)),
        ops.AddField(model_name='User', name='kind', field=fields.CharField(default='person', max_length=8)),
        ops.RunPython(protect, release),
    ]
