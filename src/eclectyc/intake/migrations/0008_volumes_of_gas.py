"""Registers of gas meters that count m³ are of volume; and all kWh of volumes are still to be worked out."""

from datetime import date

from django.db import migrations

EVER = date(1900, 1, 1), date(2200, 1, 1)


def tell_volumes(apps, schema_editor):
    Register, Series = apps.get_model("intake", "Register"), apps.get_model("estate", "Series")
    Stale = apps.get_model("intake", "Stale")
    of_gas = Register.objects.filter(meter__utility="gas", quantity="import", unit__in=("m3", "m³", "ft3", "hcf"))
    taken = set(
        Register.objects.filter(meter__utility="gas", quantity="volume").values_list("meter_id", "serial_key", "code_key")
    )
    for register in of_gas.iterator(chunk_size=2000):
        if (register.meter_id, register.serial_key, register.code_key) not in taken:
            register.quantity = "volume"
            register.save(update_fields=["quantity"])
    volumes = Series.objects.filter(meter__utility="gas", quantity="volume", unit="m3")
    meters = volumes.order_by().values_list("meter_id", flat=True).distinct()
    Stale.objects.bulk_create(
        [Stale(kind="gas", meter_id=meter, start=EVER[0], end=EVER[1]) for meter in meters], batch_size=1000
    )


class Migration(migrations.Migration):
    dependencies = [("intake", "0007_profiles"), ("estate", "0009_volumes_of_gas")]

    operations = [migrations.RunPython(tell_volumes, migrations.RunPython.noop)]
