"""Virtual meters follow the readings and the rules that they rest on, slot by slot, and nothing else."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.batches.lifecycle import recover
from eclectyc.batches.models import Batch
from eclectyc.derived.engine import recalculate
from eclectyc.derived.models import Stale
from eclectyc.derived.spans import EVER
from eclectyc.derived.virtual.delete import delete_virtual_meter
from eclectyc.derived.virtual.derivation import VIRTUAL_METERS
from eclectyc.derived.virtual.preview import parts_on, preview_formula
from eclectyc.estate import bulk, changes
from eclectyc.estate import meters as estate_meters
from eclectyc.estate.models import Meter, Series
from eclectyc.intake.undo import undo_batch
from eclectyc.kernel.errors import Conflict
from eclectyc.kernel.quality import ACTUAL, ESTIMATED
from eclectyc.lake.store import connect
from tests.factories import World, make_meter, make_series, make_site
from tests.intake.import_calls import bring

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()
Day = list[float | None]


@pytest.fixture
def meters(world: World) -> dict[str, Meter]:
    return {name: make_meter(world.site, name) for name in ("MAIN", "S1", "S2")}


def wide(*days: tuple[str, int, str | list[str]]) -> str:
    """A wide file: meter, day of June 2025, its one value or its 48 cells."""
    head = "Meter,Date," + ",".join(f"HH{k + 1}" for k in range(48))
    lines = [f"{m},{day:02}/06/2025,{','.join([v] * 48 if isinstance(v, str) else v)}" for m, day, v in days]
    return "\n".join([head, *lines]) + "\n"


def cells(value: str, **others: str) -> list[str]:
    """48 cells of one value but for some: ``cells("1", s7="")``."""
    return [others.get(f"s{k}", value) for k in range(48)]


def virtual(world: World, identifier: str, formula: str, **fields: object) -> Meter:
    return estate_meters.create_meter(SYSTEM, site=world.site, identifier=identifier, formula=formula, **fields)


def held(meter: Meter) -> dict[int, Day]:
    """What the lake holds of a meter in June 2025, by day, over all of its series."""
    series = list(Series.objects.filter(meter=meter).values_list("pk", flat=True))
    rows = connect().days(series, date(2025, 6, 1), date(2025, 7, 1), values=True)
    return {day.day: values for day, values in rows.select("day", "values").iter_rows()}


def test_a_formula_is_evaluated_on_all_days_with_readings(world, meters, tmp_path):
    bring(world, tmp_path / "a.csv", wide(("MAIN", 1, "10"), ("MAIN", 2, "10"), ("S1", 1, "3"), ("S2", 1, "4.5")))
    rest = virtual(world, "REST", "MAIN - S1 - S2")
    assert recalculate().changed == 48
    assert held(rest) == {1: [2.5] * 48}
    assert not Stale.objects.exists()
    assert Batch.objects.filter(kind=Batch.DERIVED).count() == 1
    assert recalculate().batches == 0


def test_a_late_reading_fills_exactly_its_slot_here_and_above(world, meters, tmp_path):
    rest, half = virtual(world, "REST", "MAIN - S1"), virtual(world, "HALF", "0.5 * REST + S2")
    first = wide(("MAIN", 1, "10"), ("S1", 1, cells("4", s7="")), ("S2", 1, "1"), ("MAIN", 2, "10"), ("S1", 2, "1"))
    bring(world, tmp_path / "a.csv", first)
    recalculate()
    assert held(rest) == {1: [None if k == 7 else 6.0 for k in range(48)], 2: [9.0] * 48}
    assert held(half) == {1: [None if k == 7 else 4.0 for k in range(48)]}
    bring(world, tmp_path / "b.csv", wide(("S1", 1, cells("4", s7="2"))))
    done = recalculate()
    assert done.changed == 2  # one slot of each
    assert held(rest)[1] == [8.0 if k == 7 else 6.0 for k in range(48)]
    assert held(half)[1] == [5.0 if k == 7 else 4.0 for k in range(48)]


def test_what_is_undone_is_undone_in_the_result(world, meters, tmp_path):
    rest = virtual(world, "REST", "MAIN - S1")
    bring(world, tmp_path / "a.csv", wide(("MAIN", 1, "10"), ("S1", 1, "4")))
    second = bring(world, tmp_path / "b.csv", wide(("S1", 1, "5"), ("S1", 2, "5"), ("MAIN", 2, "9")))
    recalculate()
    assert held(rest) == {1: [5.0] * 48, 2: [4.0] * 48}
    undo_batch(Actor.of(world.admin), batch=second.batch or 0)
    recalculate()
    assert held(rest) == {1: [6.0] * 48}


def test_a_changed_formula_and_a_new_part_are_recalculated_on_all_days(world, meters, tmp_path):
    bring(world, tmp_path / "a.csv", wide(*((m, d, "1") for m in meters for d in (1, 9)), ("MAIN", 20, "7")))
    rest = virtual(world, "REST", "MAIN")
    recalculate()
    assert held(rest) == {1: [1.0] * 48, 9: [1.0] * 48, 20: [7.0] * 48}
    estate_meters.update_meter(SYSTEM, meter=rest, formula="MAIN + S1 / 4 + S2 * 2")
    recalculate()
    assert held(rest) == {1: [3.25] * 48, 9: [3.25] * 48}


def test_the_life_of_a_sub_meter_gives_back_the_days_before_it(world, meters, tmp_path):
    bring(world, tmp_path / "a.csv", wide(*(("MAIN", d, "5") for d in (1, 2, 3)), ("S1", 3, "2")))
    rest = virtual(world, "REST", "MAIN - S1")
    recalculate()
    assert held(rest) == {3: [3.0] * 48}  # it is not known that there was no S1: what is missing is a gap
    estate_meters.update_meter(SYSTEM, meter=meters["S1"], installed=date(2025, 6, 2))
    recalculate()
    assert held(rest) == {1: [5.0] * 48, 3: [3.0] * 48}
    bulk.change_meters(SYSTEM, which=[meters["S1"].pk], installed=date(2025, 6, 3))
    recalculate()
    assert held(rest) == {1: [5.0] * 48, 2: [5.0] * 48, 3: [3.0] * 48}


def test_a_result_is_estimated_where_a_part_is(world, meters, tmp_path):
    head, day = "Meter,Quantity,Unit,Start,End,Value,Flag\n", "2025-06-01T"
    rows = [("MAIN", "00:00", "00:30", 4, "A"), ("MAIN", "00:30", "01:00", 4, "A"),
            ("S1", "00:00", "00:30", 1, "E"), ("S1", "00:30", "01:00", 1, "A")]  # fmt: skip
    lines = [f"{m},import,kWh,{day}{s}:00+01:00,{day}{e}:00+01:00,{v},{f}" for m, s, e, v, f in rows]
    bring(world, tmp_path / "a.csv", head + "\n".join(lines) + "\n")
    rest = virtual(world, "REST", "MAIN - S1")
    recalculate()
    series = Series.objects.get(meter=rest)
    rows = connect().days([series.pk], date(2025, 6, 1), date(2025, 6, 2), values=True)
    assert rows["quality"][0].to_list()[:2] == [ESTIMATED, ACTUAL]
    assert (rows["present"].item(), rows["slots"].item(), rows["estimated"].item()) == (2, 48, 1)


def test_a_part_known_by_whole_days_makes_the_result_daily_on_those_days(world, meters, tmp_path):
    daily = make_meter(world.site, "DAILY", step_minutes=1440)
    bring(world, tmp_path / "a.csv", wide(("MAIN", 1, "1"), ("MAIN", 2, "1")))
    bring(world, tmp_path / "b.csv", "Meter,Date,kWh\nDAILY,01/06/2025,8\n", type="daily")
    rest = virtual(world, "REST", "MAIN - DAILY")
    recalculate()
    assert (rest.step_minutes, held(rest)) == (1440, {1: [40.0]})
    estate_meters.update_meter(SYSTEM, meter=daily, removed=date(2025, 6, 2))
    recalculate()
    assert held(rest) == {1: [40.0], 2: [1.0] * 48}


def test_parts_in_another_zone_are_followed_on_the_days_that_they_reach_into(world, meters, tmp_path):
    paris = make_meter(make_site(world.org, "Paris", timezone="Europe/Paris"), "PARIS")
    bring(world, tmp_path / "a.csv", wide(("MAIN", 1, "1"), ("MAIN", 2, "1")))
    both = virtual(world, "BOTH", "MAIN + PARIS")
    recalculate()
    assert held(both) == {}
    bring(world, tmp_path / "b.csv", wide(("PARIS", 2, "5")))  # from 23:00 of the first, London time
    recalculate()
    assert held(both) == {
        1: [6.0 if k >= 46 else None for k in range(48)],
        2: [6.0 if k < 46 else None for k in range(48)],
    }
    assert paris.site.timezone == "Europe/Paris"


def test_another_unit_or_direction_takes_its_earlier_days_with_it(world, meters, tmp_path):
    bring(world, tmp_path / "a.csv", wide(("MAIN", 1, "1")))
    rest = virtual(world, "REST", "MAIN")
    recalculate()
    estate_meters.update_meter(SYSTEM, meter=rest, direction="export")
    recalculate()
    kinds = {(s.quantity, s.is_primary): s.pk for s in Series.objects.filter(meter=rest)}
    assert set(kinds) == {("import", False), ("export", True)}
    assert connect().span([kinds["import", False]]).is_empty()
    assert held(rest) == {1: [1.0] * 48}


def test_readings_are_never_imported_or_pushed_into_a_virtual_meter(world, meters, tmp_path):
    virtual(world, "REST", "MAIN - S1")
    report = bring(world, tmp_path / "a.csv", wide(("MAIN", 1, "1"), ("REST", 1, "9")))
    assert (report.accepted, report.rejected) == (1, 1)
    assert report.errors[0].reason == "REST is a virtual meter: its readings are calculated from other meters."
    assert report.errors[0].remedy


def test_a_file_of_meters_declares_formulas_wherever_their_parts_stand(world, meters, tmp_path):
    text = (
        'identifier,site,unit,formula\nTOP,Harbour House,kWh,"MIDDLE + ""NEW-1"""\n'
        'MIDDLE,Harbour House,kWh,"MAIN - S1"\nNEW-1,Harbour House,kWh,\nBAD,Harbour House,kWh,MAIN - NOBODY\n'
    )
    report = bring(world, tmp_path / "m.csv", text, type="meters")
    assert (report.created_meters, [(e.line, e.column) for e in report.errors]) == (3, [(5, "formula")])
    assert not Meter.objects.filter(identifier="BAD").exists()
    assert Meter.objects.get(identifier="TOP").formula == 'MIDDLE + "NEW-1"'
    again = bring(world, tmp_path / "m.csv", text, type="meters")
    assert (again.created_meters, again.updated_meters) == (0, 0)


def test_a_page_is_told_which_part_is_missing(world, meters, tmp_path):
    estate_meters.update_meter(SYSTEM, meter=meters["S2"], installed=date(2025, 6, 2))
    bring(world, tmp_path / "a.csv", wide(("MAIN", 1, "10"), ("S1", 1, cells("4", s7="", s8=""))))
    rest = virtual(world, "REST", "MAIN - S1 - S2")
    main, one, two = parts_on(rest, date(2025, 6, 1))
    assert (main.value, main.present, main.slots, main.is_complete) == (480.0, 48, 48, True)
    assert (one.value, one.present, one.is_complete, one.first) == (-184.0, 46, False, date(2025, 6, 1))
    assert (two.value, two.is_not_installed, two.is_complete, two.first) == (None, True, True, None)
    main, one, two = parts_on(rest, date(2025, 6, 3))
    assert not any(part.is_complete or part.slots for part in (main, one, two))


def test_a_formula_is_tried_out_without_a_trace(world, meters, tmp_path):
    from eclectyc.estate.virtual import meaning_of

    bring(world, tmp_path / "a.csv", wide(("MAIN", 1, "10"), ("S1", 1, cells("4", s7=""))))
    unmade = Meter(organisation=world.org, site=world.site)
    meant = meaning_of(SYSTEM, unmade, "MAIN - S1")
    tried = preview_formula(unmade, meant, date(2025, 6, 1), date(2025, 6, 3))
    assert [(t.day.day, t.value, t.present, t.slots) for t in tried] == [(1, 282.0, 47, 48), (2, None, 0, 0)]
    assert not Meter.objects.exclude(formula="").exists()


def test_a_virtual_meter_is_deleted_with_its_readings(world, meters, tmp_path):
    bring(world, tmp_path / "a.csv", wide(("MAIN", 1, "10"), ("S1", 1, "4")))
    rest, above = virtual(world, "REST", "MAIN - S1"), virtual(world, "TOP", "REST * 2")
    recalculate()
    series = Series.objects.get(meter=rest).pk
    with pytest.raises(Conflict, match="is used in the formula of TOP"):
        delete_virtual_meter(SYSTEM, meter=rest)
    with pytest.raises(changes.Changed):
        delete_virtual_meter(SYSTEM, meter=above, version=7)
    delete_virtual_meter(SYSTEM, meter=above)
    delete_virtual_meter(SYSTEM, meter=rest)
    assert not Meter.objects.filter(identifier__in=["REST", "TOP"]).exists()
    assert connect().span([series]).is_empty()
    assert not Stale.objects.exists()
    assert set(Batch.objects.values_list("state", flat=True)) == {Batch.DONE}
    recalculate()


def test_a_deletion_that_is_cut_off_leaves_the_meter_to_be_recalculated(world, meters, tmp_path, monkeypatch):
    bring(world, tmp_path / "a.csv", wide(("MAIN", 1, "10")))
    rest = virtual(world, "REST", "MAIN")
    recalculate()

    def cut_off(point: str) -> None:
        if point == "virtual.emptied":
            raise KeyboardInterrupt

    monkeypatch.setattr("eclectyc.derived.virtual.delete.failpoint", cut_off)
    with pytest.raises(KeyboardInterrupt):
        delete_virtual_meter(SYSTEM, meter=rest)
    assert held(rest) == {}
    recalculate()
    assert held(rest) == {1: [10.0] * 48}


def test_finding_what_depends_on_a_batch_costs_two_queries(world, meters, django_assert_num_queries):
    for n in range(3):
        virtual(world, f"V{n}", "MAIN - S1")
    series = [make_series(meter).pk for meter in meters.values()]
    days = [(one, date(2025, 6, day)) for one in series for day in (1, 2, 9)]
    touched = pl.DataFrame(days, schema={"series": pl.Int32, "day": pl.Date}, orient="row")
    with django_assert_num_queries(2):
        resting = VIRTUAL_METERS.dependents(touched)
    spans = [(start.day, end.day) for _, start, end in resting.iter_rows()]
    assert spans == [(1, 3), (9, 10)] * 3


def test_a_meter_of_a_failed_import_stays_where_a_formula_names_it(world, meters):
    made = make_meter(world.site, "MADE")
    failing = Batch.objects.create(organisation=world.org, report={"made": {"meters": [made.pk]}})
    virtual(world, "REST", "MADE")
    recover()
    failing.refresh_from_db()
    assert failing.state == Batch.FAILED
    assert Meter.objects.filter(pk=made.pk).exists()


def test_a_meter_is_not_turned_round_under_a_formula_that_takes_what_its_direction_says(world, meters):
    virtual(world, "V", "MAIN + S1.import")
    with pytest.raises(Conflict, match=r"1 formula with MAIN would change meaning\."):
        estate_meters.update_meter(SYSTEM, meter=meters["MAIN"], direction="export")
    meters["MAIN"].refresh_from_db()
    assert meters["MAIN"].direction == "import"
    estate_meters.update_meter(SYSTEM, meter=meters["S1"], direction="export")


def test_a_register_bears_on_every_day_of_a_formula(world, meters):
    """Where one register of two lacks, their sum lacks: a day between two of its days changes without being touched."""
    v = virtual(world, "V", "MAIN")
    series = make_series(meters["MAIN"], register="E1")
    touched = pl.DataFrame(
        {"series": [series.pk], "day": [date(2025, 6, 3)]}, schema={"series": pl.Int32, "day": pl.Date}
    )
    assert VIRTUAL_METERS.dependents(touched).rows() == [(v.pk, *EVER)]
