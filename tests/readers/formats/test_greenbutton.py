"""Green Button: which series are read, what their numbers mean, which are skipped, and what is refused."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from eclectyc.kernel.quality import ACTUAL, DERIVED, ESTIMATED, UNFLAGGED
from eclectyc.readers.blocks import DayBlock, UnreadableFile
from tests.factories import World
from tests.intake.import_calls import bring, held, values_of
from tests.readers.formats.greenbutton_feeds import Meter, element, entry, feed, plain
from tests.readers.formats.samples.documents import green_button, write
from tests.readers.reading import Read, read_text

START = int(datetime(2024, 6, 1, tzinfo=UTC).timestamp())


def read(folder: Path, content: str | bytes) -> Read:
    return read_text(folder, content, name="feed.xml")


def only(folder: Path, value: str, **kind: object) -> list[object]:
    """Return value and unit of a feed's only reading."""
    found = read(folder, feed(Meter([(START, value)], kind=kind)))
    return [*found.column("value"), *found.column("unit")]


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("1234", {}, [1.234, "kWh"]),
        ("1234", {"powerOfTenMultiplier": 3}, [1234.0, "kWh"]),
        ("1234", {"powerOfTenMultiplier": -3}, [0.001234, "kWh"]),
        ("1234", {"powerOfTenMultiplier": None}, [1.234, "kWh"]),
        ("-5", {}, [-0.005, "kWh"]),
        ("0.5", {}, [0.0005, "kWh"]),
        ("250", {"uom": 73, "flowDirection": None}, [0.25, "kVArh"]),
        ("250", {"uom": 71}, [0.25, "kVAh"]),
        ("2000", {"uom": 38}, [2.0, "kW"]),
        ("7", {"uom": 42}, [7.0, "m3"]),
        ("7", {"uom": 119}, [7.0, "ft3"]),
        ("7", {"uom": 169}, [7.0, "therm"]),
        ("3600000", {"uom": 31}, [3.6, "MJ"]),
    ],
)
def test_a_value_is_times_its_power_of_ten_in_the_unit_of_its_type(
    value: str, kind: dict[str, object], expected: list[object], tmp_path: Path
) -> None:
    assert only(tmp_path, value, **kind) == expected


@pytest.mark.parametrize(
    ("quality", "expected"),
    [((), UNFLAGGED), (("0",), ACTUAL), (("7",), ESTIMATED), (("8",), ESTIMATED), (("9",), ESTIMATED),
     (("10",), ACTUAL), (("11",), DERIVED), (("17",), ACTUAL), (("19",), ACTUAL)],
)  # fmt: skip
def test_qualities_become_ours(quality: tuple[str, ...], expected: int, tmp_path: Path) -> None:
    found = read(tmp_path, feed(Meter([(START, "1", *quality)])))
    assert found.column("quality") == [expected]
    assert any("questionable" in warning for warning in found.recognition.warnings) == (quality == ("10",))


def test_a_reading_without_a_quality_has_that_of_its_type(tmp_path: Path) -> None:
    found = read(tmp_path, feed(Meter([(START, "1"), (START + 1800, "2", "17")], kind={"defaultQuality": 8})))
    assert found.column("quality") == [ESTIMATED, ACTUAL]


def test_what_was_never_measured_is_rejected(tmp_path: Path) -> None:
    found = read(tmp_path, feed(Meter([(START, "1", "12"), (START + 1800, "2", "15"), (START + 3600, "3")])))
    assert (found.column("value"), found.lines) == ([0.003], [1, 2])


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ({"uom": 29}, "values in volts"),
        ({"uom": 80}, "values in money"),
        ({"uom": 999}, "an unknown unit"),
        ({"kind": 3}, "costs"),
        ({"accumulationBehaviour": 1}, "a register"),
        ({"accumulationBehaviour": 3}, "a register"),
        ({"uom": 38, "dataQualifier": 8}, "the maximum or minimum power"),
        ({"flowDirection": 4}, "neither import nor export"),
        ({"powerOfTenMultiplier": "x"}, "an invalid powerOfTenMultiplier"),
        ({"powerOfTenMultiplier": 99}, "an invalid powerOfTenMultiplier"),
    ],
)
def test_what_is_no_use_by_the_interval_is_passed_over_and_said(
    kind: dict[str, object], words: str, tmp_path: Path
) -> None:
    with pytest.raises(UnreadableFile, match=words):
        read(tmp_path, feed(Meter([(START, "1")], kind=kind)))
    beside = read(tmp_path, feed(Meter([(START, "5")]), Meter([(START, "1")], number="2", kind=kind)))
    assert beside.column("value") == [0.005]
    assert any(words in warning for warning in beside.recognition.warnings)


def test_costs_inside_readings_are_no_readings(tmp_path: Path) -> None:
    found = read(tmp_path, feed(Meter([(START, "1"), (START + 1800, "2")])))
    assert "<espi:cost>907</espi:cost>" in feed(Meter([(START, "1")]))
    assert found.column("value") == [0.001, 0.002]


def test_of_the_same_use_told_twice_energy_and_the_finest_count(tmp_path: Path) -> None:
    halves = Meter([(START, "1"), (START + 1800, "2")])
    power = Meter([(START, "9"), (START + 1800, "9")], number="2", kind={"uom": 38})
    hour = Meter([(START, "3")], number="3", length_s=3600)
    found = read(tmp_path, feed(power, hour, halves))
    assert found.column("value") == [0.001, 0.002]
    assert found.recognition.warnings == ["Not read: the same usage as power, or summed over longer intervals."]


@pytest.mark.django_db
def test_import_and_export_of_a_point_go_to_series_of_their_own(world: World, tmp_path: Path) -> None:
    text = feed(Meter([(START, "1500")]), Meter([(START, "250")], number="2", kind={"flowDirection": 19}))
    report = bring(world, write(tmp_path, text, "both.xml"), meter=world.meter.identifier)
    assert {one.quantity: (one.total, one.step) for one in report.series} == {"import": (1.5, 30), "export": (0.25, 30)}


@pytest.mark.django_db
def test_a_feed_of_one_point_needs_its_meter_told_and_one_of_several_must_not_have_it(
    world: World, tmp_path: Path
) -> None:
    from eclectyc.kernel.errors import Invalid

    one = write(tmp_path, feed(Meter([(START, "1")])), "one.xml")
    with pytest.raises(Invalid, match="names no meter"):
        bring(world, one)
    two = write(tmp_path, feed(Meter([(START, "1")], point="A-1"), Meter([(START, "2")], point="B-2")), "two.xml")
    with pytest.raises(Invalid, match="several meters: A-1, B-2"):
        bring(world, two, meter=world.meter.identifier)
    report = bring(world, two, create_meters=True, site="Works")
    assert {one.meter: one.total for one in report.series} == {"A-1": 0.001, "B-2": 0.002}


@pytest.mark.django_db
@pytest.mark.parametrize(("zone", "offset"), [("Europe/London", None), ("America/New_York", -18_000)])
def test_days_are_local_days_also_when_the_clocks_change(
    zone: str, offset: int | None, world: World, tmp_path: Path
) -> None:
    world.site.timezone = zone
    world.site.save()
    change = date(2024, 3, 31) if offset is None else date(2024, 3, 10)
    days = [change + timedelta(days=n) for n in range(-1, 2)]
    starts = [int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp()) for day in days]
    local = "" if offset is None else entry(
        "LocalTimeParameters/1", "LocalTimeParameters", [],
        element("espi", "LocalTimeParameters", plain("espi", "tzOffset", offset)),
    )  # fmt: skip
    text = feed(Meter([(start, str(1000 * n)) for n, start in enumerate(starts, 1)], length_s=86_400), extra=local)
    report = bring(world, write(tmp_path, text, "days.xml"), meter=world.meter.identifier)
    assert [(s.step, s.readings) for s in report.series] == [(1440, 3)]
    utc = [datetime.fromtimestamp(start, UTC) for start in starts]
    assert values_of(held(world.meter)) == dict(zip(utc, [1.0, 2.0, 3.0], strict=True))


def test_a_bill_of_a_month_is_no_reading(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="intervals of 30 days"):
        read(tmp_path, feed(Meter([(START, "1")], length_s=30 * 86_400)))


def test_any_prefix_and_any_order_of_entries_is_the_same_feed(tmp_path: Path) -> None:
    meter = Meter([(START, "1"), (START + 1800, "2", "8")])
    usual = read(tmp_path, feed(meter)).frame
    assert read(tmp_path, feed(meter, prefix="")).frame.equals(usual)
    assert read(tmp_path, feed(meter, prefix="ns0")).frame.equals(usual)
    text = feed(meter)
    head, *entries = text.split("<entry>")
    entries[-1], tail = entries[-1].split("</entry>")
    turned = head + "".join(f"<entry>{one.replace('</entry>', '')}</entry>" for one in reversed(entries)) + tail
    assert read(tmp_path, turned).frame.equals(usual)


def test_readings_whose_type_nothing_tells_are_refused(tmp_path: Path) -> None:
    text = feed(Meter([(START, "1")]), Meter([(START, "2")], number="2", kind={"uom": 42}))
    with pytest.raises(UnreadableFile, match="several ReadingTypes"):
        read(tmp_path, text.replace('rel="related"', 'rel="other"'))
    without = text.replace("ReadingType", "SomethingElse")
    with pytest.raises(UnreadableFile, match="has no ReadingType"):
        read(tmp_path, without)


def test_odd_readings_are_named_and_the_others_go_in(tmp_path: Path) -> None:
    text = feed(Meter([(START, "1"), (START + 1800, "1e5"), (START + 3600, "x"), (-7, "4"), (START + 7200, "")]))
    text = text.replace(f"<espi:start>{START}</espi:start>", "<espi:start>soon</espi:start>")
    found = read(tmp_path, text)
    assert (found.column("line"), found.column("value")) == ([5], [None])
    assert [(error.line, error.column) for error in found.errors] == [
        (1, "IntervalReading[1].start"), (2, "IntervalReading[2].value"), (3, "IntervalReading[3].value"),
        (4, "IntervalReading[4].start"),
    ]  # fmt: skip


def test_a_reading_that_lasts_another_time_than_its_series_is_rejected(tmp_path: Path) -> None:
    text = feed(Meter([(START + n * 1800, "1") for n in range(4)])).replace(
        "1800</espi:duration>", "900</espi:duration>", 1
    )
    found = read(tmp_path, text)
    assert (found.lines, found.errors[0].column) == ([1], "IntervalReading[1].duration")
    assert found.recognition.step == 30


BOMB = '<!DOCTYPE feed [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>'
BARE = feed(Meter([(START, "1")])).split("?>")[1]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (BOMB + BARE.replace("<espi:value>1", "<espi:value>&c;"), "document type"),
        ('<!DOCTYPE feed SYSTEM "file:///etc/hostname">' + BARE, "document type"),
        ('<feed xmlns="http://naesb.org/espi">' + "<a>" * 50_000, "elements nested more than"),
        ('<feed xmlns="http://naesb.org/espi"><a b="' + "x" * (2 << 20) + '"/></feed>', "a tag of more than 1 MiB"),
        ('<feed xmlns="http://naesb.org/espi">' + "<entry/>" * 60_000 + "</feed>", "more than 50,000 entries"),
        ('<feed xmlns="http://naesb.org/espi"><b></a></feed>', "not valid XML"),
        ('<feed xmlns="http://naesb.org/espi">&nothing;</feed>', "not valid XML"),
        ('<feed xmlns="http://naesb.org/espi"></feed>', "no usage of energy"),
        ('<?xml version="1.0" encoding="klingon"?><feed xmlns="http://naesb.org/espi"/>', "not valid XML|encoding"),
        (feed(Meter([(START, "1")])).replace("1</espi:value>", "1\0</espi:value>"), "zero bytes|not valid XML"),
        (green_button()[:-500], "is cut off"),
        ("<html><body>Please sign in</body></html>", "is XML or HTML, not a table"),
    ],
)  # fmt: skip
def test_a_hostile_or_broken_feed_is_refused(content: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=words):
        read(tmp_path, content)


def test_memory_is_flat_in_the_length_of_a_feed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eclectyc.readers.formats.greenbutton.PER_BLOCK", 200)
    peaks: list[int] = []
    for count in (400, 1600):
        path = write(tmp_path, feed(Meter([(START + n * 1800, str(n)) for n in range(count)])), "long.xml")
        tracemalloc.start()
        read_everything(path, count)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 2  # the file grew four times


def read_everything(path: Path, count: int) -> None:
    from eclectyc.readers.blocks import RowBlock
    from eclectyc.readers.files.source import open_source
    from eclectyc.readers.reader import ReadOptions
    from eclectyc.readers.recognise import recognise

    source = open_source(path)
    reader, seen = recognise(source)
    total = 0
    for block, errors in reader.read(source, seen, ReadOptions()):
        assert isinstance(block, RowBlock | DayBlock)
        assert errors == []
        total += block.rows
    assert total == count
