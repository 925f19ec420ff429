import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("estate", "0003_suppliers_from_text")]

    operations = [
        migrations.RemoveField("meter", "supplier_text"),
        migrations.RemoveConstraint(
            model_name='region',
            name='one_region_per_name',
        ),
        migrations.AddConstraint(
            model_name='region',
            constraint=models.UniqueConstraint(models.F('organisation'), django.db.models.functions.text.Lower('name'), name='one_region_per_name'),
        ),
        migrations.RemoveConstraint(
            model_name='site',
            name='one_site_per_name',
        ),
        migrations.AddConstraint(
            model_name='site',
            constraint=models.UniqueConstraint(models.F('organisation'), django.db.models.functions.text.Lower('name'), name='one_site_per_name'),
        ),
    ]
