"""The London meter's six days land in the same slots from every document and workbook when the clocks change."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from eclectyc.kernel.quality import ACTUAL, ESTIMATED
from tests.factories import World, make_meter
from tests.intake.import_calls import bring, held
from tests.readers.formats import london
from tests.readers.formats.golden import golden

pytestmark = pytest.mark.django_db

# These say which half-hours are estimates; the others do not.
_FLAGGED = ("london-greenbutton.xml", "london-long.xlsx", "london-long.xls")
_OTHERS = ("london-octopus.json", "london-n3rgy.json", "london-glowmarkt.json", "london-wide.xlsx", "london-wide.ods")


def expected(*, flagged: bool) -> dict[datetime, tuple[float, int]]:
    return {
        slot.start: (float(slot.kwh), ESTIMATED if flagged and slot.is_estimate else ACTUAL) for slot in london.slots()
    }


@pytest.mark.parametrize("name", [*_FLAGGED, *_OTHERS])
def test_every_half_hour_lands_in_its_slot_with_its_quality(name: str, world: World, tmp_path: Path) -> None:
    meter = make_meter(world.site, london.METER)
    file = golden()[name]
    report = bring(world, file.write(tmp_path), **file.options)
    assert (report.added, report.errors) == (288, [])
    assert held(meter) == expected(flagged=name in _FLAGGED)


def test_one_form_after_another_changes_nothing(world: World, tmp_path: Path) -> None:
    meter = make_meter(world.site, london.METER)
    names = iter((*_FLAGGED, *_OTHERS))
    first = golden()[next(names)]
    bring(world, first.write(tmp_path), **first.options)
    before = held(meter)
    for name in ("london-long.xlsx", "london-octopus.json"):
        report = bring(world, golden()[name].write(tmp_path), **golden()[name].options)
        assert (report.added, report.changed) == (0, 0)
    assert held(meter) == before
