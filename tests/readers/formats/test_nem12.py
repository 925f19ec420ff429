"""NEM12: streams, registers, qualities, market time, and the ways in which a file can be broken."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.analytics.readings import meter_readings
from eclectyc.estate.models import Meter, Series
from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.files import raw_file
from tests.factories import World, make_meter, make_site
from tests.intake.import_calls import bring, held, starts_of, truth_of, values_of
from tests.readers.formats.golden import DATA, golden
from tests.readers.formats.read_cells import cells_of, cut_off, read_or_refused
from tests.readers.reading import Read, read_text

NMI = "6001234567"
DAY = date(2024, 2, 1)
SEVERAL = golden()["nem12-several.csv"].content
QUALITIES = golden()["nem12-qualities.csv"].content


def stream(suffix: str = "E1", unit: str = "kWh", step: object = 30, nmi: str = NMI) -> str:
    return f"200,{nmi},{suffix},1,{suffix},N1,METER1,{unit},{step},"


def day(values: Iterable[object] = ("1",) * 48, quality: str = "A", printed: str = "20240201") -> str:
    return f"300,{printed},{','.join(map(str, values))},{quality},,,20240202120025,"


def nem12(*rows: str) -> str:
    return "\n".join(["100,NEM12,202402011135,MDA1,Ret1", *rows, "900"]) + "\n"


def read(folder: Path, *rows: str) -> Read:
    return read_text(folder, nem12(*rows))


@pytest.mark.parametrize(
    ("suffix", "unit", "quantity"),
    [
        ("E1", "kWh", "import"), ("E2", "KWH", "import"), ("e1", "wh", "import"), ("EA", "MWh", "import"),
        ("B1", "kwh", "export"), ("Q1", "kVArh", "reactive_import"), ("K1", "KVARH", "reactive_export"),
        ("K2", "MVArh", "reactive_export"), ("E1", "kW", "import"),
    ],
)  # fmt: skip
def test_a_suffix_is_a_quantity_and_a_register(tmp_path: Path, suffix: str, unit: str, quantity: str) -> None:
    found = read(tmp_path, stream(suffix, unit), day())
    assert (found.errors, found.column("quantity"), found.column("unit")) == ([], [quantity], [unit])
    assert (found.column("register"), found.column("meter")) == ([suffix.upper()], [NMI])


@pytest.mark.parametrize("step", [5, 15, 30])
def test_intervals_of_5_15_and_30_minutes_are_read_side_by_side(tmp_path: Path, step: int) -> None:
    values = [k / 100 for k in range(1440 // step)]
    found = read(tmp_path, stream(), day(), stream("E2", step=step), day(values), stream(), day(printed="20240202"))
    assert found.errors == []
    assert {block.step for block in found.blocks} == {30, step}  # type: ignore[union-attr]
    told = cells_of(found)
    assert [told[NMI, "import", "E2", DAY, k][0] for k in range(len(values))] == values
    assert sum(key[2] == "E1" for key in told) == 96


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (stream(unit="furlong"), "unknown unit 'furlong'"),
        (stream(unit="kVArh"), "its suffix E1 measures kWh"),
        (stream("Q1", "kWh"), "its suffix Q1 measures kVArh"),
        (stream("X9"), "unknown suffix 'X9'"),
        (stream(step=10), "intervals of '10' minutes"),
        (stream(step=60), "intervals of '60' minutes"),
        (stream(step=""), "intervals of '' minutes"),
        (stream(nmi="123"), "'123', which is not an NMI"),
        (stream(nmi="=1+1234567"), "which is not an NMI"),
        (stream(nmi="../../etc/passwd"), "which is not an NMI"),
        ("200,6001234567,E1", "has 3 fields"),
    ],
)
def test_the_days_of_a_stream_that_makes_no_sense_are_rejected_with_its_fault(
    tmp_path: Path, row: str, reason: str
) -> None:
    found = read(tmp_path, row, day(), day(printed="20240202"), stream(), day())
    assert (found.lines, found.rows) == ([3, 4], 1)
    assert all(reason in error.reason and error.remedy for error in found.errors)


def test_qualities_are_actual_estimated_or_missing(tmp_path: Path) -> None:
    letters = {"A": 1, "S14": 2, "F14": 2, "E52": 2, "E": 2, "N": 0, "N18": 0}
    days = [day(quality=letter, printed=f"2024020{n}") for n, letter in enumerate(letters, 1)]
    found = read(tmp_path, stream(), *days)
    assert found.errors == []
    assert found.quality[:, 0].tolist() == list(letters.values())
    assert np.isnan(found.values).any(axis=1).tolist() == [flag == 0 for flag in letters.values()]


def test_400_rows_say_the_quality_of_a_part(tmp_path: Path) -> None:
    parts = ["400,1,20,F14,76,", "400,21,24,A,,", "400,25,25,N,,", "400,26,48,S14,1,"]
    found = read(tmp_path, stream(), day(quality="V"), *parts, day(printed="20240202"), "400,3,4,E52,,")
    assert (found.errors, found.rows) == ([], 2)
    assert found.quality[0].tolist() == [2] * 20 + [1] * 4 + [0] + [2] * 23
    assert np.flatnonzero(np.isnan(found.values[0])).tolist() == [24]
    assert found.quality[1].tolist() == [1, 1, 2, 2] + [1] * 44  # what no 400 row covers is as its 300 row says


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([], "no 400 row covers interval 1."),
        (["400,1,20,A,,", "400,22,48,A,,"], "no 400 row covers interval 21."),
        (["400,1,20,A,,", "400,20,48,A,,"], "overlap"),
        (["400,1,48,A,,", "400,1,48,A,,"], "overlap"),
        (["400,1,48,A,,"] * 60, "overlap"),
        (["400,1,49,A,,"], "has no intervals from 1 to 48"),
        (["400,0,48,A,,"], "has no intervals"),
        (["400,30,20,A,,"], "has no intervals"),
        (["400,one,48,A,,"], "has no intervals"),
        (["400,1,48,V,,"], "has no intervals"),
        (["400,1,48,X,,"], "or no quality"),
        (["400,1,48"], "or no quality"),
        (["400,"], "has no intervals"),
        (["400,1,99999999999999999999,A"], "has no intervals"),
    ],
)
def test_a_day_whose_400_rows_do_not_settle_its_quality_is_rejected(
    tmp_path: Path, parts: list[str], reason: str
) -> None:
    found = read(tmp_path, stream(), day(quality="V"), *parts, day(printed="20240202"))
    assert (found.lines, found.rows) == ([3], 1)
    assert reason in found.errors[0].reason


@pytest.mark.parametrize(
    ("rows", "line", "reason"),
    [
        ([day()], 2, "There is no 200 row above it"),
        ([stream(), day(), "900", day()], 5, "There is no 200 row above it"),
        ([stream(), "400,1,48,A,,"], 3, "There is no 300 row above this 400 row"),
        ([stream(), "301,x"], 3, "is not a NEM12 row"),
        ([stream(), "total,48"], 3, "is not a NEM12 row"),
        ([stream(), day(["1"] * 47)], 3, "'A' is not a number"),
        ([stream(), day(["1"] * 49)], 3, "has 56 fields"),
        ([stream(), f"300,20240201,{','.join(['1'] * 49)},A"], 3, "'1' is not a known quality"),
        ([stream(), day(["1"] * 43)], 3, "has 50 fields"),
        ([stream(), day(["1"] * 96)], 3, "has 103 fields"),
        ([stream(), day(["1"] * 47 + ["=1+1"])], 3, "'=1+1' is"),
        ([stream(), day(["1"] * 47 + ["nan"])], 3, "not a number"),
        ([stream(), day(["1"] * 47 + ["inf"])], 3, "not a number"),
        ([stream(), day(["1"] * 47 + ["1e300"])], 3, "larger than any reading"),
        ([stream(), day(printed="20240231")], 3, "'20240231'"),
        ([stream(), day(printed="")], 3, "no date"),
        ([stream(), day(quality="")], 3, "no quality"),
        ([stream(), day(quality="Z14")], 3, "'Z14' is not a known quality"),
    ],
)
def test_a_row_that_makes_no_sense_is_rejected_where_it_stands(
    tmp_path: Path, rows: list[str], line: int, reason: str
) -> None:
    found = read(tmp_path, *rows)
    assert found.lines == [line]
    assert reason in found.errors[0].reason
    assert found.errors[0].remedy


def test_blank_cells_are_missing_and_rows_of_other_kinds_are_passed_over(tmp_path: Path) -> None:
    found = read(tmp_path, stream(), day(["1"] * 47 + [""]), "500,O,S01009,20040202", "", day(printed="20240202"))
    assert (found.errors, found.rows) == ([], 2)
    assert np.count_nonzero(np.isnan(found.values)) == 1


@pytest.mark.parametrize("option", ["auto", "nem12", "hh"])
def test_a_file_without_its_100_row_is_refused(tmp_path: Path, option: str) -> None:
    content = (DATA / "nem12/Example_NEM12_missing_header.csv").read_bytes()
    with pytest.raises(UnreadableFile, match="no 100 row"):
        read_text(tmp_path, content, option)


def test_files_put_together_are_read_but_never_with_another_kind(tmp_path: Path) -> None:
    one = nem12(stream(), day())
    assert read_text(tmp_path, one + one.replace(NMI, "6009999999")).rows == 2
    with pytest.raises(UnreadableFile, match="begins another kind of file"):
        read_text(tmp_path, one + "100,NEM13,202402011135,MDA1,Ret1\n250,x\n")


def test_a_file_without_its_end_is_told_to_be_perhaps_cut_off(tmp_path: Path) -> None:
    assert read(tmp_path, stream(), day()).recognition.warnings == []
    cut = read_text(tmp_path, nem12(stream(), day()).removesuffix("900\n"))
    assert (cut.rows, cut.errors) == (1, [])
    assert "900" in cut.recognition.warnings[0]


@pytest.mark.parametrize(("whole", "every"), [(SEVERAL, 31), (QUALITIES, 3)], ids=["several", "qualities"])
def test_a_file_cut_off_anywhere_says_nothing_that_the_whole_does_not(tmp_path: Path, whole: bytes, every: int) -> None:
    truth = cells_of(read_text(tmp_path, whole))
    for part in (*cut_off(whole, 20), *cut_off(whole, 40 * every, every=every)):
        found = read_or_refused(tmp_path, part)
        if found is not None:
            told = cells_of(found)
            assert told.items() <= truth.items()
            assert len(told) == len(truth) or found.errors or found.recognition.warnings


def _quoted(text: str) -> str:
    return "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in text.splitlines()) + "\n"


def _padded(text: str) -> str:
    lines = text.splitlines()
    most = max(line.count(",") for line in lines)
    return "\n".join(line + "," * (most - line.count(",")) for line in lines) + "\n"


@pytest.mark.parametrize("block_bytes", [120, 700, 1 << 20])
@pytest.mark.parametrize(
    "changed",
    [
        lambda text: text.encode(),
        lambda text: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(),
        lambda text: text.encode("utf-16"),
        lambda text: gzip.compress(text.encode()),
        lambda text: _quoted(text).encode(),
        lambda text: _padded(text).encode(),
        lambda text: ("\n\n" + text.replace("\n", "\n\n")).encode(),
    ],
    ids=["plain", "windows", "utf-16", "gzip", "quoted", "padded", "blank lines"],
)
def test_encodings_quotes_padding_and_blocks_change_nothing(tmp_path: Path, changed, block_bytes: int) -> None:
    parts = ["400,1,20,F14,76,", "400,21,48,A,,"]
    rows = [stream(), day(quality="V"), *parts, stream("E2", "Wh", 15), day(["7"] * 96), stream("B1"), day(quality="V")]
    text = nem12(*rows, *parts)
    plain = cells_of(read_text(tmp_path, text))
    found = read_text(tmp_path, changed(text), block_bytes=block_bytes)
    assert (len(plain), found.errors, found.recognition.warnings) == (192, [], [])
    assert cells_of(found) == plain


@pytest.mark.parametrize(
    "content",
    [
        b"100,NEM12,\0\n",
        b"100,NEM12," + b"," * 10_000_000,
        nem12(stream()).encode() + b"300,20240201," + b"1," * 10_000_000,
        gzip.compress(nem12(stream(), day()).encode() + b"\n" * (8 << 20)),
    ],
    ids=["zero bytes", "endless header", "endless day", "gzip bomb"],
)
def test_what_is_out_of_all_bounds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(raw_file, "RATIO_FROM_BYTES", 1 << 20)
    assert read_or_refused(tmp_path, content) is None


def test_400_rows_without_end_are_not_kept_waiting_for(tmp_path: Path) -> None:
    found = read(tmp_path, stream(), day(quality="V"), *["400,1,1,A,,"] * 200_000)
    assert found.rows == 0
    assert "overlap" in found.errors[0].reason


# --- from the file to the lake ---------------------------------------------------------------------------------


def _of(truth: dict[datetime, float], step: int) -> str:
    """Print values on market time, a day a row, as the format does; a slot that the truth lacks is blank."""
    market = {start.astimezone(UTC) + timedelta(hours=10): value for start, value in truth.items()}
    days = sorted({stamp.date() for stamp in market})
    rows = []
    for one in days:
        at = [
            datetime(one.year, one.month, one.day, tzinfo=UTC) + timedelta(minutes=step * k)
            for k in range(1440 // step)
        ]
        rows.append(day([f"{market[k]:.3f}" if k in market else "" for k in at], printed=f"{one:%Y%m%d}"))
    return nem12(stream(step=step), *rows)


@pytest.mark.django_db
@pytest.mark.parametrize("step", [30, 5])
@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("Europe/London", date(2025, 3, 30)), ("Europe/London", date(2025, 10, 26)),
        ("Australia/Sydney", date(2025, 4, 6)), ("Australia/Sydney", date(2025, 10, 5)),
        ("Australia/Brisbane", date(2025, 10, 5)),
    ],
)  # fmt: skip
def test_market_time_is_utc_plus_10_all_year_whatever_the_site_s_clock(
    world: World, tmp_path: Path, zone: str, change: date, step: int
) -> None:
    meter = make_meter(make_site(world.org, timezone=zone), NMI)
    truth = truth_of(starts_of([change + timedelta(days=n) for n in (-1, 0, 1)], zone, step))
    report = bring(world, tmp_path / "a.csv", _of(truth, step))
    assert (report.errors, report.timezone, report.readings) == ([], "UTC+10:00", len(truth))
    assert values_of(held(meter)) == truth


@pytest.mark.django_db
def test_registers_are_kept_apart_and_their_sum_is_the_points_use(world: World, tmp_path: Path) -> None:
    world.site.timezone = "Australia/Brisbane"
    world.site.save()
    path = tmp_path / "several.csv"
    path.write_bytes(SEVERAL)
    report = bring(world, path, create_meters=True, site=world.site.name)
    assert (report.format, report.sure, report.batch is not None) == ("nem12", 1.0, True)
    assert "100,NEM12" in report.why
    meter = Meter.objects.get(identifier="NCDE001111")
    apart = Series.objects.filter(meter=meter).order_by("register").values_list("register", "quantity", "is_primary")
    assert list(apart) == [
        ("B1", "export", True), ("E1", "import", True), ("E2", "import", True), ("Q1", "reactive_import", True)
    ]  # fmt: skip
    actor, days = Actor.of(world.admin), {"start": date(2003, 12, 4), "end": date(2003, 12, 6)}
    use = meter_readings(actor, meter, by="day", today=date(2004, 1, 1), **days).frame
    assert use["value"].to_list() == pytest.approx([10.56, 10.56])  # 96 × (10 + 100) Wh
    again = bring(world, path)
    assert (again.added, again.changed, again.unchanged) == (0, 0, report.added)


@pytest.mark.django_db
def test_an_estimate_never_replaces_what_was_measured(world: World, tmp_path: Path) -> None:
    make_meter(make_site(world.org, timezone="Australia/Brisbane"), NMI)
    bring(world, tmp_path / "a.csv", nem12(stream(), day(["1"] * 48)))
    later = bring(world, tmp_path / "b.csv", nem12(stream(), day(["2"] * 48, "V"), "400,1,47,S14,,", "400,48,48,A,,"))
    assert (later.kept, later.changed, later.added) == (47, 1, 0)
    assert sorted(set(values_of(held(NMI)).values())) == [1.0, 2.0]
