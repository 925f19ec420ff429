"""Suppliers out of the texts that meters had; names told apart without regard to case; words to search by."""

from collections import defaultdict

from django.db import migrations

from eclectyc.estate.search_field import searchable

BATCH = 2000


def make_suppliers(apps, schema_editor):
    Meter, Supplier = apps.get_model("estate", "Meter"), apps.get_model("estate", "Supplier")
    texts = Meter.objects.exclude(supplier_text="").order_by("organisation_id", "supplier_text")
    known = {}
    for organisation, text in texts.values_list("organisation_id", "supplier_text").distinct():
        name = " ".join(text.split())
        key = organisation, name.lower()
        if not name:
            continue
        if key not in known:
            known[key] = Supplier.objects.create(organisation_id=organisation, name=name)
        Meter.objects.filter(organisation_id=organisation, supplier_text=text).update(supplier=known[key])


def tell_names_apart(apps, schema_editor):
    for model in ("Region", "Site"):
        Thing = apps.get_model("estate", model)
        taken = defaultdict(set)
        for pk, organisation, name in Thing.objects.order_by("pk").values_list("pk", "organisation_id", "name"):
            fresh, number = name, 1
            while fresh.lower() in taken[organisation]:
                number += 1
                fresh = f"{name[:190]} ({number})"
            taken[organisation].add(fresh.lower())
            if fresh != name:
                Thing.objects.filter(pk=pk).update(name=fresh)


def fill_search(apps, schema_editor):
    Site, Meter = apps.get_model("estate", "Site"), apps.get_model("estate", "Meter")
    _fill(Site, lambda s: [s.name, s.postcode, s.postcode.replace(" ", ""), s.company, s.address])
    _fill(Meter, lambda m: [m.identifier, m.name, m.serial])


def _fill(model, words):
    last = 0
    while True:
        rows = list(model.objects.filter(pk__gt=last).order_by("pk")[:BATCH])
        if not rows:
            return
        for row in rows:
            row.search = searchable(words(row))
        model.objects.bulk_update(rows, ["search"], batch_size=200)
        last = rows[-1].pk


def make_texts(apps, schema_editor):
    Meter, Supplier = apps.get_model("estate", "Meter"), apps.get_model("estate", "Supplier")
    for supplier in Supplier.objects.all():
        Meter.objects.filter(supplier=supplier).update(supplier_text=supplier.name)


class Migration(migrations.Migration):
    dependencies = [("estate", "0002_registry")]

    operations = [
        migrations.RunPython(make_suppliers, make_texts),
        migrations.RunPython(tell_names_apart, migrations.RunPython.noop),
        migrations.RunPython(fill_search, migrations.RunPython.noop),
    ]
