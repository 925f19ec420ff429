from __future__ import annotations

import csv
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from eclectyc.analytics.periods import BUCKETS
from eclectyc.api.schemas import ReadingsOut
from tests.analytics.filling import fill, flat_days
from tests.api.conftest import Get
from tests.factories import World, make_meter, make_series, make_site
from tests.needs import queries_of_a_call

pytestmark = pytest.mark.django_db
PATH = "/api/meters/1200023305967/readings"
FIRST, END = date(2025, 3, 24), date(2025, 4, 7)
KEYS = ["start", "end", "value", "present", "expected", "estimated"]


@pytest.fixture
def filled(world: World) -> dict[date, list[float | None]]:
    """A fortnight around the spring change with a gap; every slot has its own value."""
    days: dict[date, list[float | None]] = {}
    for number, (day, values) in enumerate(flat_days(FIRST, END, 0).items()):
        days[day] = [number + k / 8 for k in range(len(values))]
    days[date(2025, 3, 27)][10:20] = [None] * 10
    del days[date(2025, 4, 2)]
    fill(make_series(world.meter), days)
    return days


def asked(get: Get, **params: Any) -> dict[str, Any]:
    window = {"from": FIRST.isoformat(), "to": END.isoformat()}
    answer = get(PATH, window | params)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_the_answer_has_what_the_contract_names(get: Get, filled: object) -> None:
    body = asked(get, by="day")
    assert list(body) == ["meter", "quantity", "unit", "timezone", "by", "from", "to", "readings"]
    readings = body.pop("readings")
    assert body == {
        "meter": "1200023305967",
        "quantity": "import",
        "unit": "kWh",
        "timezone": "Europe/London",
        "by": "day",
        "from": "2025-03-24",
        "to": "2025-04-07",
    }
    assert list(readings[0]) == KEYS
    assert readings[6] == {
        "start": "2025-03-30T00:00:00+00:00",
        "end": "2025-03-31T00:00:00+01:00",
        "value": sum(6 + k / 8 for k in range(46)),
        "present": 46,
        "expected": 46,
        "estimated": 0,
    }
    assert readings[3]["present"] == 38
    assert [r["value"] for r in readings if r["present"] == 0] == [None]


@pytest.mark.parametrize("by", BUCKETS)
def test_every_bucket_sums_to_the_same_total_and_joins_without_gap(by: str, get: Get, filled: dict) -> None:
    readings = asked(get, by=by)["readings"]
    total = sum(value for values in filled.values() for value in values if value is not None)
    assert sum(r["value"] or 0 for r in readings) == pytest.approx(total, abs=1e-9)
    assert sum(r["expected"] for r in readings) == 13 * 48 + 46
    assert [r["end"] for r in readings[:-1]] == [r["start"] for r in readings[1:]]
    assert all(datetime.fromisoformat(r["start"]).utcoffset() is not None for r in readings)


def test_slots_carry_their_offset_over_the_clock_change(get: Get, filled: object) -> None:
    readings = asked(get, by="slot", **{"from": "2025-03-30", "to": "2025-03-31"})["readings"]
    assert len(readings) == 46
    assert [r["start"] for r in readings[1:3]] == ["2025-03-30T00:30:00+00:00", "2025-03-30T02:00:00+01:00"]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2025-03-29T22:00:00Z", "2025-03-31T01:30:00Z"),
        ("2025-03-29T22:00Z", "2025-03-31T02:30+01:00"),
        ("2025-03-29t23:00:00.000+01:00", "2025-03-31 02:30:00+01:00"),
    ],
)
def test_instants_of_any_offset_cut_the_window_half_open(start: str, end: str, get: Get, filled: dict) -> None:
    body = asked(get, by="slot", **{"from": start, "to": end})
    assert (body["from"], body["to"]) == ("2025-03-29T22:00:00+00:00", "2025-03-31T02:30:00+01:00")
    values = filled[date(2025, 3, 29)][-4:] + filled[date(2025, 3, 30)] + filled[date(2025, 3, 31)][:5]
    assert [r["value"] for r in body["readings"]] == values


def test_a_plus_sign_that_became_a_space_is_understood(get: Get, filled: object) -> None:
    answer = get(f"{PATH}?from=2025-03-31T10:00:00+01:00&to=2025-03-31T11:00:00+01:00&by=hour")
    assert answer.json()["readings"][0]["start"] == "2025-03-31T10:00:00+01:00"


@pytest.mark.parametrize("by", BUCKETS)
def test_csv_holds_the_same_rows(by: str, get: Get, filled: object) -> None:
    window = {"from": "2024-11-20", "to": "2025-04-03", "by": by}
    answer = get(PATH, window, accept="text/csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.streaming
    rows = list(csv.DictReader(b"".join(answer.streaming_content).decode().splitlines()))
    readings = get(PATH, window).json()["readings"]
    assert list(rows[0]) == KEYS
    assert [
        {**row, "value": float(row["value"]) if row["value"] else None, **{n: int(row[n]) for n in KEYS[3:]}}
        for row in rows
    ] == readings


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/json"),
        ("text/csv", "text/csv"),
        ("text/csv;q=0.4, application/json", "application/json"),
        ("application/json;q=0.4, text/csv", "text/csv"),
        ("text/html", "application/json"),
        ("junk;;;", "application/json"),
    ],
)
def test_the_asker_chooses_the_form(accept: str, kind: str, get: Get, filled: object) -> None:
    assert get(PATH, accept=accept)["Content-Type"].startswith(kind)


def test_without_a_window_all_readings_come(get: Get, world: World, filled: object) -> None:
    body = get(PATH, {"by": "year"}).json()
    assert (body["from"], body["to"]) == ("2025-03-24", "2025-04-07")
    other = get(PATH, {"quantity": "export"}).json()
    assert (other["from"], other["to"], other["readings"], other["unit"]) == (None, None, [], "kWh")
    assert b"".join(get(PATH, {"quantity": "export"}, accept="text/csv").streaming_content).count(b"\n") == 1


def test_quantities_are_apart(get: Get, world: World, filled: object) -> None:
    day = date(2025, 3, 24)
    fill(make_series(world.meter, quantity="reactive_import", unit="kVArh"), flat_days(day, day + timedelta(1), 7.0))
    body = asked(get, quantity="reactive_import", by="year")
    assert (body["unit"], body["readings"][0]["value"]) == ("kVArh", 7.0 * 48)


def test_a_site_elsewhere_has_its_own_days(get: Get, world: World) -> None:
    site = make_site(world.org, timezone="America/New_York")
    meter = make_meter(site, "NY")
    days = {date(2025, 11, 2): [1.0] * 50, date(2025, 3, 9): [1.0] * 46}
    fill(make_series(meter), days)
    for day, slots, start in (
        ("2025-03-09", 46, "2025-03-09T00:00:00-05:00"),
        ("2025-11-02", 50, "2025-11-02T00:00:00-04:00"),
    ):
        end = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
        body = get("/api/meters/NY/readings", {"from": day, "to": end, "by": "hour"}).json()
        assert body["timezone"] == "America/New_York"
        assert body["readings"][0]["start"] == start
        assert (len(body["readings"]), sum(r["value"] for r in body["readings"])) == (slots / 2, slots)


def test_sums_are_not_given_the_noise_of_adding(get: Get, world: World) -> None:
    fill(make_series(world.meter), {date(2025, 6, 1): [0.1] * 3 + [None] * 45})
    assert get(PATH, {"by": "day"}).json()["readings"][0]["value"] == 0.3


def test_estimated_readings_are_counted(get: Get, world: World) -> None:
    fill(make_series(world.meter), {date(2025, 6, 1): [0.5] * 48}, quality=2)
    assert get(PATH, {"by": "month"}).json()["readings"][0]["estimated"] == 48


@pytest.mark.parametrize("by", BUCKETS)
def test_what_is_written_directly_is_what_the_schema_says(by: str, get: Get, filled: object) -> None:
    body = asked(get, by=by)
    read = ReadingsOut.model_validate(body, strict=False)
    assert len(read.readings) == len(body["readings"]) > 0


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"from": "2025-02-30", "to": "2025-03-01"}, "from"),
        ({"from": "01/02/2025"}, "from"),
        ({"from": "2025-W01"}, "from"),
        ({"from": "20250101"}, "from"),
        ({"from": "2025-01-01T10:00:00"}, "from"),  # no offset
        ({"from": "2025-01-01T25:00:00Z"}, "from"),
        ({"to": "2025-01-01T10:00:00+99:99"}, "to"),
        ({"from": "٢٠٢٥-٠١-٠١"}, "from"),
        ({"from": "2025-01-01\x00"}, "from"),
        ({"from": "2025-01-02", "to": "2025-01-01"}, "to"),
        ({"from": "2025-01-01", "to": "2025-01-01"}, "to"),
        ({"from": "0001-01-01", "to": "2025-01-01"}, "from"),
        ({"from": "2025-01-01", "to": "9999-12-31"}, "to"),
        ({"from": "2025-01-01", "to": "9999-12-31T23:59:59-12:00"}, "to"),
        ({"from": "1900-01-01", "to": "2200-01-01", "by": "slot"}, "to"),
        ({"by": "fortnight"}, "by"),
        ({"quantity": "joy"}, "quantity"),
        ({"From": "2025-01-01"}, "From"),
    ],
)
def test_a_window_that_is_none_is_refused_in_words(params: dict, field: str, get: Get, filled: object) -> None:
    for accept in ("application/json", "text/csv"):
        answer = get(PATH, params, accept=accept)
        assert answer.status_code == 422, answer.content
        assert answer["Content-Type"] == "application/json"
        assert answer.json()["error"]["field"] == field


def test_a_question_costs_five_queries(get: Get, filled: object, django_assert_num_queries: Any) -> None:
    get(PATH)
    with django_assert_num_queries(queries_of_a_call(5)):  # token and person, roles, organisations below, meter, point
        get(PATH, {"by": "slot"})
