from django.db import migrations, models


def unlogged(apps, schema_editor):
    """Counts of attempts are written at each request and worth nothing after a crash."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE accounts_tally SET UNLOGGED")


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_logos'),
    ]

    operations = [
        migrations.CreateModel(
            name='Tally',
            fields=[
                ('digest', models.CharField(max_length=32, primary_key=True, serialize=False)),
                ('seen', models.BigIntegerField()),
                ('taken', models.IntegerField()),
                ('before', models.IntegerField()),
                ('forget_at', models.BigIntegerField(db_index=True)),
            ],
        ),
        migrations.RunPython(unlogged, migrations.RunPython.noop),
        migrations.AddField(
            model_name='user',
            name='password_is_temporary',
            field=models.BooleanField(default=False, editable=False),
        ),
    ]
