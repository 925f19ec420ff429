import django.db.models.deletion
from django.db import migrations, models


def carry_over(apps, schema_editor):
    """Pictures move out of the organisations' own rows."""
    Logo = apps.get_model("accounts", "Logo")
    for organisation in apps.get_model("accounts", "Organisation").objects.exclude(logo=None):
        Logo.objects.create(organisation=organisation, picture=organisation.logo)


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_invitations'),
    ]

    operations = [
        migrations.CreateModel(
            name='Logo',
            fields=[
                ('organisation', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='accounts.organisation')),
                ('picture', models.BinaryField()),
            ],
        ),
        migrations.RunPython(carry_over, migrations.RunPython.noop),
        migrations.RemoveField(model_name='organisation', name='logo'),
        migrations.AlterField(
            model_name='logo',
            name='organisation',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='logo', serialize=False, to='accounts.organisation'),
        ),
    ]
