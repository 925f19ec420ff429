"""A fact from outside is one declaration: values by place and hour are read, checked and summed up as days are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.audit.models import Event
from eclectyc.external.files import ValueFileReport, import_values
from eclectyc.external.gaps import Gaps, gaps_between, runs_in_words, runs_of
from eclectyc.external.outside_facts import Grain, OutsideFact, place_key
from eclectyc.external.summaries import month_values, months, places
from eclectyc.external.values import remove_value, store_values
from eclectyc.gas.calorific_values import CALORIFIC_VALUE
from eclectyc.gas.models import CalorificValue
from eclectyc.kernel.errors import Forbidden, Invalid
from tests.factories import World

HOUR = timedelta(hours=1)
NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
TEMPERATURE = OutsideFact(
    name="temperature",
    plural="temperatures",
    model=CalorificValue,  # a substitute: a dry run stores nothing
    place="region",
    time="hour",
    value="deg_c",
    grain=Grain.HOUR,
    column="temperature",
    headings=("temperature", "temp"),
    place_headings=("region", "station"),
    time_headings=("time", "datetime"),
    unit="°C",
    units={"c": Decimal(1), "degc": Decimal(1)},
    bounds=(Decimal(-60), Decimal(60)),
    usual=(Decimal(-10), Decimal(35)),
    places=2,
    example="12.5",
    hint="Give degrees Celsius.",
    time_name="hour",
    permission="imports.run",
    events=("temperatures.put", "temperature.removed"),
    default_place=lambda organisation: "",
    dependants=lambda organisation, key, times: 0,
)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("2025-06-01T13:00:00+01:00", NOON),
        ("2025-06-01T12:00:00", NOON),
        (NOON, NOON),
        ("2025-06-01T12:15:00", "starts no slot of 60 minutes"),
        ("noon", "not a date"),
    ],
)
def test_an_hourly_value_has_the_instant_at_which_its_hour_starts(given: Any, found: Any) -> None:
    if isinstance(found, str):
        with pytest.raises(Invalid, match=found):
            Grain.HOUR.checked("date", given)
    else:
        assert Grain.HOUR.checked("date", given) == found


def test_half_hours_start_twice_an_hour_and_days_have_no_time() -> None:
    half_past = NOON.replace(minute=30)
    assert Grain.HALF_HOUR.checked("date", half_past) == half_past
    assert Grain.DAY.checked("date", "2025-06-01") == date(2025, 6, 1)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("61", "61 °C is not a plausible temperature"),
        ("warm", "'warm' is not a number"),
        (True, "not a number"),
        ("12.345", "too many decimals"),
    ],
)
def test_a_value_that_cannot_be_right_is_refused(given: Any, words: str) -> None:
    with pytest.raises(Invalid, match=words) as refusal:
        TEMPERATURE.checked_value(given)
    assert refusal.value.field == "temperature"
    assert refusal.value.remedy


@pytest.mark.django_db
def test_a_file_of_hourly_values_is_read_by_place_and_instant(world: World, tmp_path: Path) -> None:
    path = tmp_path / "weather.csv"
    lines = [
        "station,time,temp,unit",
        "Heathrow,2025-06-01T12:00:00Z,21.5,°C",
        "Heathrow,2025-06-01T13:00:00Z,22,C",
        "Heathrow,2025-06-01T13:20:00Z,22,C",
        "Leuchars,2025-06-01T12:00:00Z,295,K",
        "Leuchars,2025-06-01T12:00:00Z,-12,C",
        "Leuchars,2025-06-01T14:00:00Z,14,C",
        "leuchars,2025-06-01T14:00:00Z,15,C",
    ]
    path.write_text("\n".join(lines) + "\n")
    report = import_values(Actor.of(world.admin), TEMPERATURE, organisation=world.org, path=path, dry_run=True)
    assert {error.line for error in report.errors} == {4, 5, 7, 8}
    assert (report.rows, report.accepted, report.places) == (7, 3, ["Heathrow", "Leuchars"])
    assert (report.first, report.last) == ("2025-06-01T12:00:00+00:00", "2025-06-01T13:00:00+00:00")
    assert report.warnings == ["Outside the usual -10 to 35 °C: 1 value, first line 6 with -12."]
    repeated = next(error for error in report.errors if error.line == 7)
    assert repeated.reason == "The file gives several temperatures for 2025-06-01 14:00."
    assert list(report.as_dict("station"))[8:10] == ["stations", "first"]


def test_a_report_of_many_errors_keeps_the_first_hundred_and_counts_all() -> None:
    from eclectyc.readers.blocks import LineError

    report = ValueFileReport("x.csv")
    report.reject(*(LineError(line, "", "why", "what to do") for line in range(150)))
    assert (len(report.errors), report.error_count, report.exit_code) == (100, 150, 2)


@pytest.mark.django_db
class TestStored:
    def test_what_depends_on_changed_values_is_marked_and_on_unchanged_ones_is_not(self, world: World) -> None:
        marked: list[tuple[Organisation, str, list[date]]] = []

        def mark(organisation: Organisation, key: str, times: list[date]) -> int:
            marked.append((organisation, key, times))
            return 3

        fact = replace(CALORIFIC_VALUE, dependants=mark)
        actor, first, second = Actor.of(world.admin), date(2025, 6, 1), date(2025, 6, 2)
        store = {"organisation": world.org, "place": "South  East"}
        stored = store_values(actor, fact, **store, values={first: "39", second: "40"})
        assert (stored.place, stored.added, stored.meters) == ("South East", 2, 3)
        again = store_values(actor, fact, **store, values={first: "39", second: "40"})
        assert (again.unchanged, again.meters) == (2, 0)
        corrected = store_values(actor, fact, **store, values={first: "39", second: "41"}, source="by hand")
        assert (corrected.changed, corrected.unchanged) == (1, 1)
        remove_value(actor, fact, value=CalorificValue.objects.get(day=first))
        key = place_key("South East")
        assert marked == [(world.org, key, [first, second]), (world.org, key, [second]), (world.org, key, [first])]
        actions = Event.objects.filter(action__startswith="calorific").order_by("pk").values_list("action", flat=True)
        assert list(actions) == ["calorific_values.put", "calorific_values.put", "calorific_value.removed"]

    def test_only_those_who_may_import_store_values(self, world: World) -> None:
        with pytest.raises(Forbidden):
            store_values(
                Actor.of(world.viewer), CALORIFIC_VALUE, organisation=world.org, values={date(2025, 6, 1): "39"}
            )
        assert not CalorificValue.objects.exists()

    def test_months_have_their_values_and_their_gaps(self, world: World) -> None:
        actor = Actor.of(world.admin)
        days = [date(2025, 5, 30) + timedelta(days=n) for n in (0, 1, 2, 5)]
        values = {day: str(38 + n) for n, day in enumerate(days)}
        store_values(actor, CALORIFIC_VALUE, organisation=world.org, place="SE", values=values)
        needed = {"se": (date(2025, 5, 29), date(2025, 6, 4)), "nw": (date(2025, 6, 1), date(2025, 6, 1))}
        names = {"se": "se", "nw": "NW"}
        found = places(actor, CALORIFIC_VALUE, world.org, names=names, needed=needed)
        assert [(one.key, one.name, one.known) for one in found] == [("nw", "NW", 0), ("se", "SE", 4)]
        assert found[1].gaps is not None
        assert found[1].gaps.words() == "3 gas days of SE (29 May 2025, 2–3 June 2025)"
        june, may = months(actor, CALORIFIC_VALUE, world.org, found[1])
        assert (june.month, june.known, june.slots, june.least, june.greatest) == (date(2025, 6, 1), 2, 30, 40, 41)
        assert june.gaps == ((date(2025, 6, 2), date(2025, 6, 3)),)
        assert may.gaps == ((date(2025, 5, 29), date(2025, 5, 29)),)
        listed = month_values(actor, CALORIFIC_VALUE, world.org, "se", date(2025, 6, 1))
        assert [one.day for one in listed] == days[2:]
        assert months(actor, CALORIFIC_VALUE, world.org, found[0])[0].known == 0


def test_hours_that_follow_each_other_are_one_run() -> None:
    hours = [NOON + n * HOUR for n in (0, 1, 3)]
    runs = runs_of(hours, step=HOUR)
    assert runs == ((NOON, NOON + HOUR), (NOON + 3 * HOUR, NOON + 3 * HOUR))
    assert Gaps("hour", "", runs, HOUR).words() == (
        "3 hours (1 June 2025 12:00 – 1 June 2025 13:00, 1 June 2025 15:00)"
    )
    assert gaps_between(NOON, NOON + 3 * HOUR, set(hours), step=HOUR) == ((NOON + 2 * HOUR, NOON + 2 * HOUR),)


def test_a_sentence_names_three_runs() -> None:
    days = [date(2025, 6, n) for n in (1, 3, 5, 7)]
    assert runs_in_words(runs_of(days)) == "1 June 2025, 3 June 2025, 5 June 2025 and others"
