import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.db import migrations, models

import eclectyc.estate.opening_hours
import eclectyc.estate.search_field


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_scopes'),
        ('estate', '0001_initial'),
    ]

    operations = [
        migrations.RenameField('meter', 'supplier', 'supplier_text'),
        migrations.CreateModel(
            name='Device',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('serial', models.CharField(max_length=64)),
                ('since', models.DateField(blank=True, null=True)),
                ('until', models.DateField(blank=True, null=True)),
                ('opening_read', models.DecimalField(blank=True, decimal_places=3, max_digits=15, null=True)),
                ('closing_read', models.DecimalField(blank=True, decimal_places=3, max_digits=15, null=True)),
                ('digits', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('ct_primary_a', models.PositiveIntegerField(blank=True, null=True)),
                ('ct_secondary_a', models.PositiveIntegerField(blank=True, null=True)),
            ],
            options={
                'ordering': [models.OrderBy(models.F('since'), nulls_first=True), 'pk'],
            },
        ),
        migrations.CreateModel(
            name='Multiplier',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('since', models.DateField(blank=True, null=True)),
                ('factor', models.DecimalField(decimal_places=6, max_digits=12)),
            ],
            options={
                'ordering': [models.OrderBy(models.F('since'), nulls_first=True), 'pk'],
            },
        ),
        migrations.CreateModel(
            name='Placement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('since', models.DateField(blank=True, null=True)),
                ('until', models.DateField(blank=True, null=True)),
            ],
            options={
                'ordering': [models.OrderBy(models.F('since'), nulls_first=True), 'pk'],
            },
        ),
        migrations.CreateModel(
            name='SiteMetric',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60)),
                ('unit', models.CharField(blank=True, max_length=20)),
                ('measure', models.CharField(choices=[('level', 'Holds throughout'), ('amount', 'Adds up over the span')], default='level', max_length=10)),
                ('value', models.DecimalField(decimal_places=3, max_digits=15)),
                ('since', models.DateField()),
                ('until', models.DateField(blank=True, null=True)),
            ],
            options={
                'ordering': ['name', 'since', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='Supplier',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200)),
                ('account', models.CharField(blank=True, max_length=100)),
                ('website', models.CharField(blank=True, max_length=200)),
                ('contact_name', models.CharField(blank=True, max_length=200)),
                ('contact_email', models.EmailField(blank=True, max_length=254)),
                ('contact_phone', models.CharField(blank=True, max_length=40)),
                ('notes', models.CharField(blank=True, max_length=1000)),
                ('is_active', models.BooleanField(default=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.RemoveIndex(
            model_name='meter',
            name='estate_mete_identif_de950a_idx',
        ),
        migrations.AddField(
            model_name='meter',
            name='search',
            field=eclectyc.estate.search_field.SearchField(blank=True, default='', editable=False),
        ),
        migrations.AddField(
            model_name='meter',
            name='version',
            field=models.PositiveIntegerField(default=1, editable=False),
        ),
        migrations.AddField(
            model_name='region',
            name='version',
            field=models.PositiveIntegerField(default=1, editable=False),
        ),
        migrations.AddField(
            model_name='site',
            name='opening_hours',
            field=models.JSONField(blank=True, default=eclectyc.estate.opening_hours.default_week),
        ),
        migrations.AddField(
            model_name='site',
            name='properties',
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name='site',
            name='search',
            field=eclectyc.estate.search_field.SearchField(blank=True, default='', editable=False),
        ),
        migrations.AddField(
            model_name='site',
            name='version',
            field=models.PositiveIntegerField(default=1, editable=False),
        ),
        migrations.AddIndex(
            model_name='site',
            index=models.Index(fields=['name', 'id'], name='sites_by_name'),
        ),
        migrations.AddField(
            model_name='device',
            name='meter',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='devices', to='estate.meter'),
        ),
        migrations.AddField(
            model_name='multiplier',
            name='meter',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='multipliers', to='estate.meter'),
        ),
        migrations.AddField(
            model_name='placement',
            name='meter',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='placements', to='estate.meter'),
        ),
        migrations.AddField(
            model_name='placement',
            name='site',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='placements', to='estate.site'),
        ),
        migrations.AddField(
            model_name='sitemetric',
            name='site',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='metrics', to='estate.site'),
        ),
        migrations.AddField(
            model_name='supplier',
            name='organisation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='suppliers', to='accounts.organisation'),
        ),
        migrations.AddField(
            model_name='meter',
            name='supplier',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='meters', to='estate.supplier'),
        ),
        migrations.AddIndex(
            model_name='meter',
            index=models.Index(fields=['identifier', 'id'], name='meters_by_identifier'),
        ),
        migrations.AddConstraint(
            model_name='device',
            constraint=models.UniqueConstraint(fields=('meter', 'since'), name='one_device_per_day'),
        ),
        migrations.AddConstraint(
            model_name='device',
            constraint=models.UniqueConstraint(condition=models.Q(('until', None)), fields=('meter',), name='one_device_at_present'),
        ),
        migrations.AddConstraint(
            model_name='multiplier',
            constraint=models.UniqueConstraint(fields=('meter', 'since'), name='one_multiplier_per_day'),
        ),
        migrations.AddConstraint(
            model_name='multiplier',
            constraint=models.UniqueConstraint(condition=models.Q(('since', None)), fields=('meter',), name='one_first_multiplier'),
        ),
        migrations.AddConstraint(
            model_name='placement',
            constraint=models.UniqueConstraint(fields=('meter', 'since'), name='one_placement_per_day'),
        ),
        migrations.AddConstraint(
            model_name='placement',
            constraint=models.UniqueConstraint(condition=models.Q(('since', None)), fields=('meter',), name='one_first_placement'),
        ),
        migrations.AddConstraint(
            model_name='placement',
            constraint=models.UniqueConstraint(condition=models.Q(('until', None)), fields=('meter',), name='one_placement_at_present'),
        ),
        migrations.AddConstraint(
            model_name='sitemetric',
            constraint=models.UniqueConstraint(fields=('site', 'name', 'since'), name='one_metric_per_day'),
        ),
        migrations.AddConstraint(
            model_name='sitemetric',
            constraint=models.CheckConstraint(condition=models.Q(('until', None), ('until__gt', models.F('since')), _connector='OR'), name='metric_ends_after_start'),
        ),
        migrations.AddConstraint(
            model_name='supplier',
            constraint=models.UniqueConstraint(models.F('organisation'), django.db.models.functions.text.Lower('name'), name='one_supplier_per_name'),
        ),
    ]
