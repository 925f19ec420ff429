"""An older registry comes over whole: suppliers out of texts, names told apart, words to search by."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from eclectyc.accounts.models import Organisation

pytestmark = pytest.mark.django_db(transaction=True)


def migrated_to(name: str) -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate([("estate", name)])
    return MigrationExecutor(connection).loader.project_state([("estate", name)]).apps


def test_suppliers_come_out_of_texts_and_go_back(transactional_db: None) -> None:
    try:
        old = migrated_to("0001_initial")
        organisations = [Organisation.objects.create(name=name) for name in ("One", "Two")]
        site_of = {}
        for organisation in organisations:
            for name in ("Mill", "MILL"):
                site_of[organisation.name] = old.get_model("estate", "Site").objects.create(
                    organisation_id=organisation.pk, name=name, postcode="BS1 4RN"
                )
        texts = (
            ("One", "Pennine Gas"),
            ("One", " pennine  gas "),
            ("One", ""),
            ("Two", "Pennine Gas"),
            ("Two", "Vale"),
        )
        for number, (organisation, text) in enumerate(texts):
            site = site_of[organisation]
            old.get_model("estate", "Meter").objects.create(
                organisation_id=site.organisation_id, site_id=site.pk, identifier=f"M{number}", supplier=text
            )
        new = migrated_to("0004_names_without_case")
        meters = list(new.get_model("estate", "Meter").objects.order_by("identifier").select_related("supplier"))
        assert [m.supplier.name if m.supplier else None for m in meters] == [
            "Pennine Gas" if meters[0].supplier.name == "Pennine Gas" else "pennine gas", meters[0].supplier.name, None,
            "Pennine Gas", "Vale",
        ]  # fmt: skip
        assert meters[0].supplier_id == meters[1].supplier_id != meters[3].supplier_id
        assert meters[0].search == "m0"
        sites = new.get_model("estate", "Site").objects.order_by("pk")
        assert [site.name for site in sites] == ["Mill", "MILL (2)", "Mill", "MILL (2)"]
        assert sites[0].search == "mill\nbs1 4rn\nbs14rn"
        assert sites[0].opening_hours[0] == [["07:00", "19:00"]]
        back = migrated_to("0001_initial")
        assert [m.supplier for m in back.get_model("estate", "Meter").objects.order_by("identifier")][3:] == [
            "Pennine Gas", "Vale",
        ]  # fmt: skip
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())
