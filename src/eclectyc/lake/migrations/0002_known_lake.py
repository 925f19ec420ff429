"""The registry knows its lake. Of an older registry's lake the last batch is known; its id is learnt by the next writer."""

from typing import Any

from django.db import migrations, models


def tell_last_batch(apps: Any, schema_editor: Any) -> None:
    batches = apps.get_model("intake", "Batch").objects.filter(state="done", added__gt=0).order_by("-pk")
    last = batches.values_list("pk", flat=True).first()
    if last:
        apps.get_model("lake", "KnownLake").objects.create(last_batch=last)


class Migration(migrations.Migration):
    dependencies = [("lake", "0001_initial"), ("intake", "0008_volumes_of_gas")]

    operations = [
        migrations.CreateModel(
            name="KnownLake",
            fields=[
                ("name", models.CharField(default="lake", max_length=20, primary_key=True, serialize=False)),
                ("table_id", models.CharField(blank=True, max_length=64)),
                ("version", models.BigIntegerField(default=-1)),
                ("last_batch", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.RunPython(tell_last_batch, migrations.RunPython.noop),
    ]
