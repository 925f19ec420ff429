"""The m³ of gas meters are their volume; what they bring in is kWh."""

from django.db import migrations


def tell_volumes(apps, schema_editor):
    Series = apps.get_model("estate", "Series")
    columns = ("meter_id", "step_minutes", "source", "register")
    of_gas = Series.objects.filter(meter__utility="gas")
    taken = set(of_gas.filter(quantity="volume", unit="m3").values_list(*columns))
    beside = set(of_gas.filter(quantity="volume", is_primary=True).values_list("meter_id", flat=True))
    touched = set()
    for series in of_gas.filter(quantity="import", unit="m3").iterator(chunk_size=2000):
        if (series.meter_id, series.step_minutes, series.source, series.register) in taken:
            continue
        series.quantity = "volume"
        series.is_primary = series.is_primary and series.meter_id not in beside
        series.save(update_fields=["quantity", "is_primary"])
        touched.add(series.meter_id)
    for meter in touched:
        own = Series.objects.filter(meter=meter, quantity="import").order_by("pk")
        first = own.values_list("unit", "source").first()
        if first and not own.filter(is_primary=True).exists():
            own.filter(unit=first[0], source=first[1]).update(is_primary=True)


class Migration(migrations.Migration):
    dependencies = [("estate", "0008_gas")]

    operations = [migrations.RunPython(tell_volumes, migrations.RunPython.noop)]
