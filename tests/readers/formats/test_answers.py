"""JSON responses of APIs: Octopus, n3rgy, Glowmarkt. Their contents, what is refused, what must be stated."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from eclectyc.kernel.errors import Invalid
from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.files.source import open_source
from eclectyc.readers.reader import ReadOptions
from eclectyc.readers.recognise import recognise
from tests.factories import World, make_meter
from tests.intake.import_calls import bring, held, values_of
from tests.readers.formats.samples.documents import glowmarkt, n3rgy, octopus, write
from tests.readers.reading import Read

MPAN, MPRN = "1200023305967", "7123456789"
LONDON = ZoneInfo("Europe/London")
LINK = "https://api.octopus.energy/v1/{}-meter-points/{}/meters/00A0000000/consumption/?page=2"


def read(folder: Path, content: object, **options: str) -> Read:
    """Write an answer, recognise and read it."""
    text = content if isinstance(content, str | bytes) else json.dumps(content)
    source = open_source(write(folder, text, "answer.json"))
    reader, seen = recognise(source)
    result = Read(seen)
    for block, errors in reader.read(source, seen, ReadOptions(**options)):
        result.blocks.append(block)
        result.errors += errors
    return result


def half_hours(*values: object, start: str = "2024-06-01T00:00:00+01:00", minutes: int = 30) -> list[dict[str, Any]]:
    """Return results of Octopus, one after another."""
    first = datetime.fromisoformat(start)
    step = timedelta(minutes=minutes)
    return [
        {
            "consumption": value,
            "interval_start": (first + n * step).isoformat(),
            "interval_end": (first + (n + 1) * step).isoformat(),
        }
        for n, value in enumerate(values)
    ]


def answer(results: list[Any], **more: Any) -> dict[str, Any]:
    return {"count": len(results), "next": None, "previous": None, "results": results} | more


# Octopus


def test_the_public_example_is_read_as_it_says(tmp_path: Path) -> None:
    example = answer(
        [
            {"consumption": 1.836, "interval_start": "2020-05-08T00:00:00+01:00",
             "interval_end": "2020-05-08T00:30:00+01:00"},
            {"consumption": 0.146, "interval_start": "2020-05-07T23:30:00+01:00",
             "interval_end": "2020-05-08T00:00:00+01:00"},
        ],
        count=240, next=LINK.format("electricity", "2200000000005"),
    )  # fmt: skip
    found = read(tmp_path, example, meter="2200000000005")
    assert (found.recognition.format, found.recognition.step, found.recognition.stamps) == ("octopus", 30, "start")
    assert found.column("instant") == [datetime(2020, 5, 7, 23, tzinfo=UTC), datetime(2020, 5, 7, 22, 30, tzinfo=UTC)]
    assert (found.column("value"), found.column("unit")) == ([1.836, 0.146], ["kWh", "kWh"])
    assert found.recognition.warnings == ["The response is one page of several: 2 of 240 readings."]


def test_an_answer_names_no_meter_so_it_is_asked_for_and_its_link_gives_the_hint(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"names no meter\. Name the meter with --meter\.$"):
        read(tmp_path, answer(half_hours(1)))
    with pytest.raises(Invalid, match="--meter 2200000000005, which its link to the next page names"):
        read(tmp_path, answer(half_hours(1), next=LINK.format("electricity", "2200000000005")))


def test_a_link_that_speaks_of_another_meter_is_a_warning(tmp_path: Path) -> None:
    found = read(tmp_path, answer(half_hours(1), next=LINK.format("electricity", "2200000000005")), meter=MPAN)
    assert found.recognition.warnings == [
        f"The file's link names meter 2200000000005; its readings are imported for {MPAN}."
    ]
    serial = read(tmp_path, answer(half_hours(1), next=LINK.format("electricity", MPAN)), meter="00A0000000")
    assert serial.recognition.warnings == []


@pytest.mark.parametrize(
    ("meter", "fuel", "unit"),
    [
        (MPAN, "", "kWh"),
        (MPRN, "", None),
        (MPRN, "gas", None),
        (MPAN, "gas", None),
        ("00A0000000", "electricity", "kWh"),
    ],
)
def test_electricity_is_in_kwh_and_gas_in_no_unit_that_is_known(
    meter: str, fuel: str, unit: str | None, tmp_path: Path
) -> None:
    link = LINK.format(fuel, meter) if fuel else None
    assert read(tmp_path, answer(half_hours(1), next=link), meter=meter).column("unit") == [unit]


@pytest.mark.django_db
def test_the_unit_of_gas_is_told_by_the_option_or_by_the_meter_and_never_guessed(world: World, tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps(answer(half_hours(2.5))), "gas.json")
    refused = bring(world, path, meter=MPRN, create_meters=True, site="Works")
    assert (refused.added, refused.created_meters, refused.exit_code) == (0, 0, 2)
    assert [(error.column, error.remedy) for error in refused.errors] == [
        ("unit", "Give it with --unit kWh or --unit m3.")
    ]
    told = bring(world, path, meter=MPRN, create_meters=True, site="Works", unit="m3")
    assert [(series.unit, series.total) for series in told.series] == [("m3", 2.5)]
    make_meter(world.site, "7000000001", utility="gas", unit="m3")
    known = bring(world, path, meter="7000000001")
    assert [(series.unit, series.total) for series in known.series] == [("m3", 2.5)]


@pytest.mark.django_db
def test_a_single_reading_lasts_as_long_as_it_says(world: World, tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps(answer(half_hours(3, minutes=60))), "hour.json")
    assert [(s.step, s.readings) for s in bring(world, path, meter=MPAN).series] == [(60, 1)]


@pytest.mark.django_db
def test_days_are_whole_local_days_also_when_the_clocks_change(world: World, tmp_path: Path) -> None:
    days = [date(2024, 3, 30), date(2024, 3, 31), date(2024, 4, 1)]
    results = [
        {
            "consumption": day.day,
            "interval_start": datetime(day.year, day.month, day.day, tzinfo=LONDON).isoformat(),
            "interval_end": datetime(*(day + timedelta(1)).timetuple()[:3], tzinfo=LONDON).isoformat(),
        }
        for day in days
    ]
    report = bring(world, write(tmp_path, json.dumps(answer(results)), "days.json"), meter=MPAN)
    assert [(s.step, s.readings) for s in report.series] == [(1440, 3)]
    starts = [datetime(day.year, day.month, day.day, tzinfo=LONDON).astimezone(UTC) for day in days]
    assert values_of(held(world.meter)) == dict(zip(starts, [30.0, 31.0, 1.0], strict=True))


@pytest.mark.parametrize("days", [7, 30])
def test_sums_over_weeks_and_months_are_no_readings(days: int, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=f"sums over {days} days"):
        read(tmp_path, answer(half_hours(1, 2, 3, minutes=days * 1440)), meter=MPAN)


BROKEN = half_hours(*range(1, 12))
BROKEN[1] = "not a reading"  # type: ignore[assignment]
BROKEN[2]["consumption"] = "1,5"
BROKEN[3]["consumption"] = True
BROKEN[4]["consumption"] = 1e13
BROKEN[5]["interval_start"] = "2024-02-30T00:00:00Z"
BROKEN[6]["interval_start"] = "2024-06-01T03:00:00"
BROKEN[7]["interval_end"] = BROKEN[7]["interval_start"]
BROKEN[8]["interval_end"] = "2024-06-01T05:00:00+01:00"
del BROKEN[9]["interval_start"]
BROKEN[10]["consumption"] = None


def test_a_reading_that_cannot_be_taken_is_named_by_its_place_and_the_others_go_in(tmp_path: Path) -> None:
    found = read(tmp_path, answer(BROKEN), meter=MPAN)
    assert found.column("line") == [1, 11]
    assert found.column("value") == [1.0, None]
    assert found.column("quality") == [5, 0]
    assert sorted((error.line, error.column, error.reason) for error in found.errors) == [
        (2, "results[1]", "This is not a reading."),
        (3, "results[2].consumption", "'1,5' has a decimal comma."),
        (4, "results[3].consumption", "True is not a number."),
        (5, "results[4].consumption", "10000000000000.0 is larger than any reading."),
        (6, "results[5].interval_start", "There is no date '2024-02-30'."),
        (7, "results[6].interval_start", "'2024-06-01T03:00:00' has no offset from UTC."),
        (8, "results[7].interval_end", "The interval ends before it starts."),
        (9, "results[8].interval_end", "The interval lasts 1:00:00; the file's last 0:30:00."),
        (10, "results[9].interval_start", "None is not a date and time."),
    ]


# n3rgy


def n3rgy_answer(*values: object, **more: Any) -> dict[str, Any]:
    cells = [
        {"value": value, "timestamp": f"2024-01-01 {n // 2:02}:{n % 2 * 30:02}"} for n, value in enumerate(values, 1)
    ]
    return {"resource": f"/{MPAN}/electricity/consumption/1", "granularity": "halfhour", "unit": "kWh",
            "values": cells} | more  # fmt: skip


def test_n3rgy_stamps_the_end_in_utc(tmp_path: Path) -> None:
    found = read(tmp_path, n3rgy_answer(0.5, 0.25))
    assert (found.recognition.format, found.recognition.stamps, found.recognition.timezone, found.recognition.step) == (
        "n3rgy",
        "end",
        "UTC",
        30,
    )
    assert found.column("stamp") == [datetime(2024, 1, 1, 0, 30), datetime(2024, 1, 1, 1, 0)]
    assert (found.column("value"), found.column("unit"), found.column("quantity")) == (
        [0.5, 0.25], ["kWh", "kWh"], [None, None]
    )  # fmt: skip


def test_the_second_generation_of_answers_has_its_values_by_device(tmp_path: Path) -> None:
    cells = [{"primaryValue": 0.5, "timestamp": "2024-01-01 00:30"}]
    newer = n3rgy_answer() | {
        "resource": f"/mpxn/{MPAN}/utility/electricity/readingType/production",
        "devices": [{"deviceId": "00-11", "values": cells}, {"deviceId": "00-12", "values": []}],
    }
    del newer["values"]
    found = read(tmp_path, newer)
    assert (found.column("value"), found.column("quantity")) == ([0.5], ["export"])


def test_what_a_smart_meter_shows_for_nothing_is_never_a_reading(tmp_path: Path) -> None:
    found = read(tmp_path, n3rgy_answer(0.5, 16777.215, "invalid value", None))
    assert found.column("value") == [0.5, None]
    assert [(error.line, error.column) for error in found.errors] == [(2, "values[1].value"), (3, "values[2].value")]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"granularity": "day"}, "has values by day, whose timestamps are ambiguous"),
        ({"values": []}, "a response without readings"),
        ({"values": [{"standingCharges": [], "prices": []}]}, "holds a tariff"),
        ({"unit": "horsepower"}, "not a known unit"),
        ({"unit": 7}, "not a known unit"),
    ],
)
def test_an_answer_of_n3rgy_that_holds_no_half_hours_is_refused(
    more: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(UnreadableFile, match=words):
        read(tmp_path, n3rgy_answer(1) | more)


# Glowmarkt


def glow(*pairs: object, **more: Any) -> dict[str, Any]:
    return {"status": "OK", "query": {"period": "PT30M", "function": "sum"}, "classifier": "gas.consumption",
            "units": "kWh", "data": list(pairs)} | more  # fmt: skip


def test_glowmarkt_pairs_start_their_half_hours(tmp_path: Path) -> None:
    found = read(tmp_path, glow([1711843200, 0.5], [1711845000, None], [1711846800, "0.75"]))
    assert (found.recognition.format, found.recognition.step, found.recognition.stamps) == ("glowmarkt", 30, "start")
    assert found.column("instant")[0] == datetime(2024, 3, 31, tzinfo=UTC)
    assert found.column("value") == [0.5, None, 0.75]


def test_days_of_glowmarkt_are_local_days(tmp_path: Path) -> None:
    summer = int(datetime(2024, 6, 1, tzinfo=LONDON).timestamp())
    winter = int(datetime(2024, 12, 1, tzinfo=LONDON).timestamp())
    found = read(tmp_path, glow([summer, 5], [winter, 6], query={"period": "P1D"}))
    assert found.column("day") == [date(2024, 6, 1), date(2024, 12, 1)]
    assert found.values.tolist() == [[5.0], [6.0]]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"classifier": "gas.consumption.cost", "units": "pence"}, "holds costs"),
        ({"units": "pence"}, "holds costs"),
        ({"data": []}, "a response without readings"),
        ({"query": {"period": "P1M"}}, "not a supported interval"),
        ({"query": {"period": ["P1M"]}}, "not a supported interval"),
        ({"query": {"function": "max"}}, "has 'max', not sums"),
        ({"units": "furlongs"}, "not a known unit"),
    ],
)
def test_an_answer_of_glowmarkt_that_holds_no_use_is_refused(more: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=words):
        read(tmp_path, glow([1711843200, 1]) | more)


def test_odd_pairs_are_named(tmp_path: Path) -> None:
    found = read(tmp_path, glow([1711843200, 1], [1711845000.5, 1], ["x", 1], [1, 2, 3], [-5, 1], [1711846800, "x"]))
    assert found.column("value") == [1.0]
    assert sorted((error.line, error.column) for error in found.errors) == [
        (2, "data[1][0]"), (3, "data[2][0]"), (4, "data[3]"), (5, "data[4][0]"), (6, "data[5][1]"),
    ]  # fmt: skip


def test_export_and_reactive_energy_are_told_from_import(tmp_path: Path) -> None:
    assert read(tmp_path, glow([1711843200, 1], classifier="electricity.export")).column("quantity") == ["export"]
    reactive = glow([1711843200, 1], classifier="electricity.import.reactive", units="kVARh")
    assert read(tmp_path, reactive).column("unit") == ["kVARh"]


# All of them

ALL = {"octopus": octopus, "n3rgy": n3rgy, "glowmarkt": glowmarkt}


@pytest.mark.parametrize("kind", ALL)
def test_a_truncated_answer_is_refused_as_cut_off(kind: str, tmp_path: Path) -> None:
    text = ALL[kind]()
    for length in (len(text) // 2, len(text) - 1):
        with pytest.raises(UnreadableFile, match="is cut off"):
            read(tmp_path, text[:length], meter=MPAN)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[" * 100_000, "lists nested without end"),
        (b'{"results": [' + b'{"a":' * 2000, "lists nested without end"),
        (b'{"results": [' + b"{}," * 1_000_000 + b"{}]}", "too large a JSON file"),
        (b'{"results": "' + b"x" * (33 << 20) + b'"}', "too large a JSON file"),
        (b'{"results": [NaN]}', "not valid JSON"),
        (b'{"results": [1]} {"results": [2]}', "not valid JSON"),
        (b'{"results"\x00: [1]}', "zero bytes"),
        (b'{"consumption": 1}', "is JSON, not a table"),
        (b'{"results": [3]}', "is JSON, not a table"),
        (b'{"data": [3], "status": "OK"}', "is JSON, not a table"),
        (b'{"resource": "x", "granularity": "halfhour", "values": [3]}', "is JSON, not a table"),
    ],
)
def test_a_hostile_or_unknown_document_is_refused(content: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=words):
        read(tmp_path, content, meter=MPAN)


def test_a_document_may_be_packed_and_begin_with_a_mark(tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "answer.json.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + octopus().encode()))
    reader, seen = recognise(open_source(path))
    assert (reader.name, seen.format) == ("octopus", "octopus")
    wide = tmp_path / "wide.json"
    wide.write_bytes(octopus().encode("utf-16"))
    assert recognise(open_source(wide))[1].format == "octopus"
