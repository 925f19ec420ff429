"""What a later file does to what is held, and what one file says twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.batches.models import Batch
from eclectyc.intake.undo import undo_batch
from eclectyc.kernel.errors import Invalid, NotFound
from tests.factories import World
from tests.intake.import_calls import bring, held, values_of
from tests.intake.make_files import FLAGGED, METER, at, long

pytestmark = pytest.mark.django_db


def test_the_same_file_again_changes_nothing(world: World, tmp_path: Path) -> None:
    text = long(*((k, k / 10) for k in range(100)))
    first = bring(world, tmp_path / "a.csv", text)
    before = held(world.meter)
    report = bring(world, tmp_path / "a.csv")
    assert (report.added, report.changed, report.unchanged, report.kept) == (0, 0, 100, 0)
    assert held(world.meter) == before
    assert f"This file was already imported (batch {first.batch})." in report.warnings


def test_a_corrected_file_changes_exactly_what_it_corrects(world: World, tmp_path: Path) -> None:
    bring(world, tmp_path / "a.csv", long(*((k, 1) for k in range(48))))
    report = bring(world, tmp_path / "b.csv", long((3, 7), (4, 1), (50, 9)))
    assert (report.added, report.changed, report.unchanged) == (1, 1, 1)
    assert values_of(held(world.meter)) == {at(k): 1.0 for k in range(48)} | {at(3): 7.0, at(50): 9.0}


def test_an_estimate_never_replaces_an_actual_reading(world: World, tmp_path: Path) -> None:
    bring(world, tmp_path / "a.csv", long((0, "1,A"), (1, "2,E"), (2, "3,A"), header=FLAGGED))
    report = bring(world, tmp_path / "b.csv", long((0, "9,E"), (1, "9,E"), (2, "9,A"), (3, "9,E"), header=FLAGGED))
    assert held(world.meter) == {at(0): (1, 1), at(1): (9, 2), at(2): (9, 1), at(3): (9, 2)}
    assert (report.added, report.changed, report.unchanged, report.kept) == (1, 2, 0, 1)


def test_a_blank_or_dash_never_erases(world: World, tmp_path: Path) -> None:
    bring(world, tmp_path / "a.csv", long((0, 1), (1, 2)))
    report = bring(world, tmp_path / "b.csv", long((0, ""), (1, "-"), (2, 5)))
    assert values_of(held(world.meter)) == {at(0): 1, at(1): 2, at(2): 5}
    assert (report.rows, report.accepted, report.readings) == (3, 3, 1)


def test_undo_brings_back_what_was_before(world: World, tmp_path: Path) -> None:
    bring(world, tmp_path / "a.csv", long((0, 1), (1, 2)))
    before = held(world.meter)
    second = bring(world, tmp_path / "b.csv", long((1, 7), (2, 9)))
    undone = undo_batch(Actor.of(world.admin), batch=second.batch or 0)
    assert held(world.meter) == before
    assert (undone.changed, undone.removed) == (1, 1)
    batch = Batch.objects.get(pk=undone.by)
    assert (batch.kind, batch.state, batch.undoes_id) == ("undo", "done", second.batch)
    assert Batch.objects.get(pk=second.batch).state == "undone"


def test_what_cannot_be_undone_is_refused_clearly(world: World, tmp_path: Path) -> None:
    report = bring(world, tmp_path / "a.csv", long((0, 1)))
    number = report.batch or 0
    undone = undo_batch(Actor.of(world.admin), batch=number)
    with pytest.raises(Invalid, match="undone already"):
        undo_batch(Actor.of(world.admin), batch=number)
    with pytest.raises(Invalid, match="undid batch"):
        undo_batch(Actor.of(world.admin), batch=undone.by)
    with pytest.raises(NotFound):
        undo_batch(Actor.of(world.outsider), batch=number)
    with pytest.raises(NotFound):
        undo_batch(Actor.of(world.viewer), batch=number)
    structure = bring(world, tmp_path / "s.csv", "Site name,Postcode\nNew place,BS1 1AA\n")
    with pytest.raises(Invalid, match="sites"):
        undo_batch(Actor.of(world.admin), batch=structure.batch or 0)


def test_the_same_slot_twice_with_one_value_counts_once(world: World, tmp_path: Path) -> None:
    report = bring(world, tmp_path / "a.csv", long((0, 1), (1, 2), (1, 2), (2, 3)))
    assert (report.rows, report.accepted, report.readings, report.exit_code) == (4, 4, 3, 0)
    assert report.kwh == 6


def test_of_two_values_for_a_slot_the_actual_one_counts(world: World, tmp_path: Path) -> None:
    report = bring(world, tmp_path / "a.csv", long((0, "5,E"), (0, "1,A"), (1, "1,A"), header=FLAGGED))
    assert held(world.meter)[at(0)] == (1, 1)
    assert report.rejected == 0


def test_two_different_values_leave_the_slot_empty_and_report_both_lines(world: World, tmp_path: Path) -> None:
    report = bring(world, tmp_path / "a.csv", long((0, 1), (1, 2), (1, 3), (2, 4)))
    assert values_of(held(world.meter)) == {at(0): 1, at(2): 4}
    assert [error.line for error in report.errors] == [3, 4]
    assert (report.rows, report.rejected, report.accepted, report.readings, report.exit_code) == (4, 2, 2, 2, 1)


def test_days_that_come_twice_in_a_wide_file_are_joined_slot_by_slot(world: World, tmp_path: Path) -> None:
    header = "MPAN,Date," + ",".join(f"HH{k + 1}" for k in range(48))
    one = ["1"] * 24 + [""] * 24
    two = [""] * 23 + ["1"] + ["2"] * 24
    clash = ["9"] + [""] * 47
    lines = [header, *(f"{METER},06/01/2025,{','.join(cells)}" for cells in (one, two, clash))]
    report = bring(world, tmp_path / "a.csv", "\n".join(lines) + "\n")
    expected = {at(k): 1.0 if k < 24 else 2.0 for k in range(1, 48)}
    assert values_of(held(world.meter)) == expected
    assert [error.line for error in report.errors] == [2, 4]
