"""Every golden file is imported completely, with its known contents."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factories import World, make_site
from tests.intake.import_calls import bring
from tests.readers.formats.golden import golden

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", golden())
def test_a_golden_file_gives_what_it_is_known_to_hold(name: str, world: World, tmp_path: Path) -> None:
    file = golden()[name]
    make_site(world.org, "Dock Office")
    report = bring(world, file.write(tmp_path), **{"create_meters": bool(file.series), "site": "Golden"} | file.options)
    assert (report.errors, report.format, report.rows) == ([], file.format, file.rows)
    assert report.why
    found = {(one.meter, f"{one.quantity} {one.register}".strip()): one for one in report.series}
    told = {key: (one.unit, one.step, one.readings) for key, one in found.items()}
    assert told == {key: (held.unit, held.step, held.readings) for key, held in file.series.items()}
    for key, one in found.items():
        assert one.total == pytest.approx(file.series[key].total, abs=1e-9)


def test_golden_files_are_small() -> None:
    assert [file.name for file in golden().values() if len(file.content) > 100 << 10] == []
