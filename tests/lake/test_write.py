"""What goes in comes out, what is wrong is refused, and what need not be rewritten stays."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from eclectyc.kernel.days import slots_in_day
from eclectyc.lake.errors import BadReadings, OutOfOrder
from eclectyc.lake.store import Lake
from tests.lake.rows import FIRST, LAST, Turn, frame, held

LONDON = ZoneInfo("Europe/London")
SPRING, SUMMER, AUTUMN = date(2025, 3, 30), date(2025, 6, 1), date(2025, 10, 26)


def day(series: int, when: date, *, step: int = 30, value: float = 1.0, quality: int = 5) -> tuple:
    count = slots_in_day(when, LONDON, step)
    return (series, when, step, [value] * count, [quality] * count)


def write(lake: Lake, *rows: tuple, rule: str = "guarded") -> None:
    lake.write([frame(rows)], lease=Turn(), batch=lake.last_batch() + 1, rule=rule)


def day_files(lake: Lake) -> set[str]:
    return set(lake._watch.now().files.filter(pl.col("layer") == "day")["path"])


@pytest.mark.parametrize(("when", "half_hours"), [(SPRING, 46), (SUMMER, 48), (AUTUMN, 50)])
@pytest.mark.parametrize("step", [10, 30, 60, 1440])
def test_a_day_comes_back_with_the_slots_the_clocks_gave_it(lake: Lake, when: date, half_hours: int, step: int) -> None:
    count = 1 if step == 1440 else half_hours * 30 // step
    values: list[float | None] = [n / 8 for n in range(count)]
    if count > 2:
        values[1] = None
    write(lake, (7, when, step, values, [0 if v is None else 2 for v in values]), day(8, SUMMER))
    row = lake.days([7], when, when + timedelta(days=1), values=True).row(0, named=True)
    assert row["values"] == values
    assert row["quality"] == [0 if v is None else 2 for v in values]
    assert (row["step"], row["slots"], row["present"]) == (step, count, count - (count > 2))
    assert row["estimated"] == row["present"]
    assert row["total"] == sum(v for v in values if v is not None)
    assert row["peak_slot"] == count - 1


def test_days_are_half_open_and_sorted_whatever_the_order_they_came_in(lake: Lake) -> None:
    days = [SUMMER + timedelta(days=n) for n in range(5)]
    write(lake, *(day(series, when) for when in reversed(days) for series in (9, 2, 5)))
    rows = lake.days([5, 2], days[1], days[3])
    assert rows.select("series", "day").rows() == [(2, days[1]), (2, days[2]), (5, days[1]), (5, days[2])]
    assert "values" not in rows.columns
    assert lake.days([], days[0], days[4]).is_empty()
    assert lake.days([77], days[0], days[4]).is_empty()
    assert lake.days([5], days[3], days[3]).is_empty()


def test_a_lake_that_is_not_there_yet_answers_with_nothing(lake: Lake) -> None:
    assert lake.days(None, FIRST, LAST, values=True).is_empty()
    assert lake.monthly(FIRST, LAST).is_empty()
    assert lake.span([1]).is_empty()
    assert (lake.version, lake.last_batch(), lake.check(deep=True)) == (-1, 0, [])


def test_a_preview_counts_and_writes_nothing(lake: Lake, tmp_path) -> None:
    result = lake.preview([frame([day(1, SUMMER)])])
    assert (result.added, result.by_series.rows()) == (48, [(1, 48, 0, 0, 0, 0)])
    assert list(tmp_path.iterdir()) == []


def test_months_add_up_what_the_days_rest_on(lake: Lake) -> None:
    gap = (1, date(2025, 6, 2), 30, [None, *[2.0] * 47], [0, *[2] * 47])
    write(lake, day(1, SUMMER), gap, day(1, date(2025, 7, 1), value=3.0), day(2, SUMMER))
    assert lake.monthly(date(2025, 6, 1), date(2025, 8, 1), [1]).rows() == [
        (1, date(2025, 6, 1), 48 + 94, 95, 96, 47),
        (1, date(2025, 7, 1), 144, 48, 48, 0),
    ]
    assert lake.monthly(date(2025, 6, 2), date(2025, 7, 1))["total"].to_list() == [94]
    assert lake.span().rows() == [(1, SUMMER, date(2025, 7, 1)), (2, SUMMER, SUMMER)]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([day(1, SUMMER), day(1, SUMMER)], "twice"),
        ([(1, SUMMER, 30, [1.0, float("nan")], [1, 1])], "not a number"),
        ([(1, SUMMER, 30, [1.0, float("inf")], [1, 1])], "not a number"),
        ([(1, SUMMER, 30, [1.0, 2.0], [1])], "not as many as qualities"),
        ([(1, SUMMER, 30, [], [])], "has no values"),
        ([(1, SUMMER, 30, [1.0], [0])], "marked as missing"),
        ([(1, SUMMER, 30, [1.0], [6])], "unknown quality"),
        ([(1, SUMMER, 30, [1.0], [None])], "no quality"),
        ([(None, SUMMER, 30, [1.0], [1])], "nulls in series"),
        ([(1, None, 30, [1.0], [1])], "nulls in day"),
    ],
)
def test_rows_that_cannot_be_are_refused_and_nothing_is_written(lake: Lake, rows: list, words: str) -> None:
    with pytest.raises(BadReadings, match=words):
        write(lake, *rows)
    assert held(lake) == {}
    assert lake.last_batch() == 0


def test_a_day_in_other_slots_than_the_stored_ones_is_refused(lake: Lake) -> None:
    write(lake, day(1, SUMMER))
    with pytest.raises(BadReadings, match="other slots"):
        write(lake, day(1, SUMMER, step=60))


def test_a_month_comes_as_one_frame(lake: Lake) -> None:
    frames = [frame([day(1, SUMMER)]), frame([day(2, SUMMER)])]
    with pytest.raises(BadReadings, match="came twice"):
        lake.write(frames, lease=Turn(), batch=1)
    with pytest.raises(BadReadings, match="no column values"):
        lake.write([frames[0].drop("values")], lease=Turn(), batch=1)


def test_a_batch_number_is_used_once_and_in_order(lake: Lake) -> None:
    lake.write([], lease=Turn(), batch=5)
    assert lake.last_batch() == 5
    for number in (5, 4):
        with pytest.raises(OutOfOrder, match="last one"):
            lake.write([frame([day(1, SUMMER)])], lease=Turn(), batch=number)


def test_the_same_again_adds_a_witness_and_rewrites_no_day(lake: Lake) -> None:
    write(lake, day(1, SUMMER), day(2, SUMMER))
    before = day_files(lake)
    result = lake.write([frame([day(1, SUMMER), day(2, SUMMER)])], lease=Turn(), batch=2)
    assert (result.unchanged, result.added + result.changed + result.kept) == (96, 0)
    assert result.touched.is_empty()
    assert day_files(lake) == before
    claims = lake._watch.now().files.filter(pl.col("layer") == "claim")["path"].to_list()
    witnesses = lake.storage.scan(claims, "claim").collect()
    assert witnesses.select("series", "batch", "same_as", "values").rows() == [(1, 2, 1, None), (2, 2, 1, None)]


def test_the_same_correction_again_adds_only_witnesses(lake: Lake) -> None:
    write(lake, day(1, SUMMER, value=1.0))
    write(lake, day(1, SUMMER, value=2.0))
    before = day_files(lake)
    for _ in range(2):
        write(lake, day(1, SUMMER, value=2.0))
    assert day_files(lake) == before
    claims = lake._watch.now().files.filter(pl.col("layer") == "claim")["path"].to_list()
    told = lake.storage.scan(claims, "claim").sort("batch").collect()
    assert told["same_as"].to_list() == [None, None, 2, 2]


def test_a_correction_rewrites_only_the_files_that_hold_its_days(lake: Lake) -> None:
    write(lake, *(day(series, date(2025, month, 1)) for series in (1, 2) for month in range(1, 13)))
    before = day_files(lake)
    write(lake, day(1, SUMMER, value=9.0))
    changed = before ^ day_files(lake)
    assert {path.split("/")[1] for path in changed} == {"month=2025-06"}
    assert len(changed) == 2


def test_many_small_imports_of_a_month_leave_few_files(lake: Lake) -> None:
    for n in range(30):
        write(lake, day(1, SUMMER + timedelta(days=n)))
    assert len(day_files(lake)) <= 4
    assert lake.days([1], FIRST, LAST).height == 30


def test_a_reading_without_a_flag_does_not_upgrade_an_equal_estimate(lake: Lake) -> None:
    write(lake, day(1, SUMMER, value=2.0, quality=2))
    write(lake, day(1, SUMMER, value=2.0, quality=5))
    assert set(held(lake)[1, SUMMER]) == {(2.0, 2)}
    write(lake, day(1, SUMMER, value=2.0, quality=1))
    assert set(held(lake)[1, SUMMER]) == {(2.0, 1)}


def test_what_was_known_when_can_be_asked(lake: Lake) -> None:
    write(lake, day(1, SUMMER, value=1.0))
    write(lake, day(1, SUMMER, value=2.0))
    lake.undo(2, lease=Turn(), by=3)
    totals = [lake.days([1], FIRST, LAST, known_at=n)["total"].to_list() for n in range(4)]
    assert totals == [[], [48.0], [96.0], [48.0]]
    assert lake.days([1], FIRST, LAST)["batch"].to_list() == [1]


def test_undoing_the_only_batch_leaves_no_row(lake: Lake) -> None:
    write(lake, day(1, SUMMER))
    result = lake.undo(1, lease=Turn(), by=2)
    assert (result.removed, result.touched.rows()) == (48, [(1, SUMMER)])
    assert lake.days(None, FIRST, LAST).is_empty()
    again = lake.undo(1, lease=Turn(), by=3)
    assert (again.removed, again.unchanged) == (0, 0)
    write(lake, day(1, SUMMER))
    assert lake.days([1], FIRST, LAST)["batch"].to_list() == [4]


def test_a_batch_goes_into_every_bucket_that_it_speaks_of(tmp_path) -> None:
    from eclectyc.lake.files import Storage

    lake = Lake(Storage.from_url(str(tmp_path / "lake")), buckets=3)
    write(lake, *(day(series, SUMMER) for series in range(1, 8)))
    assert {path.split("/")[2] for path in day_files(lake)} == {"bucket=0", "bucket=1", "bucket=2"}
    again = Lake(Storage.from_url(str(tmp_path / "lake")), buckets=1)  # the lake's own number counts
    write(again, *(day(series, SUMMER, value=2.0) for series in range(1, 8)))
    assert again.days(None, FIRST, LAST)["total"].to_list() == [96.0] * 7
    assert again.days([4], FIRST, LAST).height == 1


def test_progress_reports_the_merged_readings(lake: Lake) -> None:
    told: list[int] = []
    rows = [day(1, SUMMER), day(1, SPRING)]
    lake.write([frame([row]) for row in rows], lease=Turn(), batch=1, progress=told.append)
    assert told == [48, 46]


def test_other_programs_read_the_same_table(lake: Lake) -> None:
    write(lake, day(1, SUMMER, value=1.0))
    write(lake, day(1, SUMMER, value=2.0))
    table = pl.read_delta(lake.storage.url)
    days = table.filter(pl.col("layer") == "day")
    assert days.select("series", "day", "total", "month", "values").rows() == [(1, SUMMER, 96.0, "2025-06", [2.0] * 48)]
    assert table.filter(pl.col("layer") == "claim").sort("batch")["batch"].to_list() == [1, 2]


def test_a_lake_replaced_as_a_whole_is_seen(lake: Lake, tmp_path) -> None:
    for number in range(1, 4):
        write(lake, day(1, SUMMER, value=float(number)))
    from eclectyc.lake.files import Storage

    other = Lake(Storage.from_url(str(tmp_path / "other")))
    write(other, day(1, SUMMER, value=9.0))
    assert lake.days([1], FIRST, LAST)["total"].to_list() == [144.0]
    (tmp_path / "lake").rename(tmp_path / "away")
    (tmp_path / "other").rename(tmp_path / "lake")
    assert lake.days([1], FIRST, LAST)["total"].to_list() == [9 * 48.0]
    assert lake.last_batch() == 1
    (tmp_path / "lake").rename(tmp_path / "gone")
    assert lake.days([1], FIRST, LAST).is_empty()


def test_a_month_that_is_corrected_comes_in_smaller_files(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eclectyc.lake.merge_month.ROW_GROUP_ROWS", 4)
    days = [SUMMER + timedelta(days=n) for n in range(10)]
    estimated = [day(series, when, quality=3) for series in (3, 4) for when in days]
    write(lake, *(day(series, when) for series in (1, 2) for when in days), *estimated)
    assert len(day_files(lake)) == 1
    before = held(lake)
    write(lake, day(2, days[3], value=7.0), day(3, days[4], value=8.0))
    assert len(day_files(lake)) == 10
    expected = {**before, (2, days[3]): [(7.0, 1)] * 48, (3, days[4]): [(8.0, 1)] * 48}
    assert held(lake) == expected
    assert lake.check(deep=True) == []
    write(lake, day(1, days[0], value=9.0))
    assert held(lake) == {**expected, (1, days[0]): [(9.0, 1)] * 48}
    lake.undo(3, lease=Turn(), by=4)
    assert held(lake) == expected
    lake.undo(2, lease=Turn(), by=5)
    assert held(lake) == before


def test_what_a_correction_with_new_days_rewrites_does_not_grow(lake: Lake) -> None:
    def rows(series: range, when: date, value: float) -> list[tuple]:
        return [(n, when, 1440, [value], [1]) for n in series]

    days = [SUMMER + timedelta(days=n) for n in range(25)]
    write(lake, *(row for when in days[:20] for row in rows(range(1000), when, 1.0)))
    written = []
    for number, when in enumerate(days[20:]):
        before = day_files(lake)
        write(lake, *rows(range(1000), when, 1.0), *rows(range(number, number + 1), days[3], 9.0))
        files = lake._watch.now().files.filter(pl.col("layer") == "day")
        written.append(files.filter(~pl.col("path").is_in(list(before)))["rows"].sum())
    assert max(written[1:]) < 18_000, written
