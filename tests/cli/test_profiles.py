"""``eclectyc profile``, and ``import --profile``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from eclectyc.accounts.models import Organisation
from tests.cli.conftest import Answer
from tests.factories import make_meter, make_site

pytestmark = pytest.mark.django_db

METER = "1200023305967"
TOML = 'layout = "daily"\n\n[columns]\nmeter = "Who"\ndate = "Tag"\nvalue = "Menge"\n'


def test_a_profile_is_saved_listed_shown_used_and_removed(run: Callable[..., Answer], tmp_path: Path) -> None:
    Organisation.objects.all().delete()
    make_meter(make_site(Organisation.objects.create(name="Harbour Estates"), "Harbour House"), METER)
    toml, file = tmp_path / "stadt.toml", tmp_path / "a.csv"
    toml.write_text(TOML)
    file.write_text(f"Who,Tag,Menge\n{METER},2025-01-06,48\n")
    assert run("profile", "save", "Stadtwerke", toml, "--sender", "Stadtwerke AG").code == 0
    assert "is unchanged" in run("profile", "save", "stadtwerke", toml).err
    listed = json.loads(run("profile", "list", "--json").out)
    assert [(one["name"], one["sender"], one["layout"]) for one in listed["items"]] == [
        ("Stadtwerke", "Stadtwerke AG", "daily")
    ]
    assert run("profile", "show", "stadtwerke").out == TOML
    report = json.loads(run("import", file, "--profile", "Stadtwerke", "--json").out)
    assert (report["added"], report["errors"]) == (1, [])
    assert run("import", file, "--profile", str(toml), "--json").code == 0
    (tmp_path / "b.csv").write_text(f"Who,Tag,Menge\n{METER},2025-01-07,48\n")
    unknown = run("import", tmp_path / "b.csv")
    assert (unknown.code, "Try --profile 'Stadtwerke'." in unknown.err) == (2, True)
    missing = run("import", file, "--profile", "Other", "--json")
    assert (missing.code, json.loads(missing.out)["error"]["field"]) == (2, "profile")
    assert run("profile", "remove", "Stadtwerke").code == 0
    assert "no profile yet" in run("profile", "list").err
