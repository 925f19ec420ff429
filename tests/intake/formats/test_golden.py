"""Every golden file goes in whole, and gives what it is known to hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factories import World, make_site
from tests.intake.core.bringing import bring
from tests.intake.formats.golden import golden

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", golden())
def test_a_golden_file_gives_what_it_is_known_to_hold(name: str, world: World, tmp_path: Path) -> None:
    file = golden()[name]
    make_site(world.org, "Dock Office")
    report = bring(world, file.write(tmp_path), **{"create_meters": bool(file.series), "site": "Golden"} | file.options)
    assert (report.errors, report.format, report.rows) == ([], file.format, file.rows)
    assert report.why
    found = {(one.meter, one.quantity): (one.unit, one.step, one.readings) for one in report.series}
    assert found == {key: (held.unit, held.step, held.readings) for key, held in file.series.items()}
    for one in report.series:
        assert one.total == pytest.approx(file.series[one.meter, one.quantity].total, abs=1e-9)


def test_golden_files_are_small() -> None:
    assert [file.name for file in golden().values() if len(file.content) > 64 << 10] == []
