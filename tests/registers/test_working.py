"""Consumption calculated on arrays against a reference that counts minute by minute, and the rules one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eclectyc.kernel.quality import ACTUAL, DERIVED, ESTIMATED
from eclectyc.registers import spread
from eclectyc.registers.consumption import Consumption, calculate_consumption
from eclectyc.registers.reads import Reads
from eclectyc.registers.register_config import (
    END,
    MAXIMUM,
    START,
    DeviceSpan,
    Epoch,
    PointFacts,
    RegisterConfig,
    RegisterFacts,
    RegisterReset,
)
from eclectyc.registers.spread import DayUse
from tests.registers import reference

LONDON = "Europe/London"
ZERO = date(1970, 1, 1)


def at(text: str) -> int:
    """The UTC second of a London time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(LONDON)).timestamp())


def register(serial: str = "S1", code: str = "", **facts: object) -> RegisterFacts:
    return replace(RegisterFacts(0, "import", "kWh", "kWh", 1.0, serial, code), **facts)


def reads(*rows: tuple[int, str | int, float] | tuple[int, str | int, float, int]) -> Reads:
    """Reads out of (register, London time or second, value[, quality])."""
    full = [(*row, ACTUAL)[:4] for row in rows]
    seconds = [when if isinstance(when, int) else at(when) for _, when, *_ in full]
    return Reads(
        np.array([row[0] for row in full], dtype=np.int64),
        np.array(seconds, dtype=np.int64),
        np.array([float(row[2]) for row in full]),
        np.array([row[3] for row in full], dtype=np.int8),
        np.zeros(len(full), dtype=bool),
        np.ones(len(full), dtype=np.int64),
    )


def use(consumption: Consumption) -> dict[tuple[date, int | None], tuple[float, int]]:
    """The consumption of the first target: value and quality by day and slot (None: the whole day)."""
    found: dict[tuple[date, int | None], tuple[float, int]] = {}
    for part, slots in ((consumption.days, None), (consumption.slots, consumption.slots.slot)):
        for n in range(len(part)):
            if part.target[n] == 0:
                key = ZERO + timedelta(days=int(part.day[n])), None if slots is None else int(slots[n])
                found[key] = (float(part.value[n]), int(part.quality[n]))
    return found


def consumption_of(registers: list[RegisterFacts], given: Reads, point: PointFacts | None = None) -> Consumption:
    return calculate_consumption(RegisterConfig([point or PointFacts("M1", LONDON)], registers), given, given)


TICKS = st.integers(0, 4 * 144)  # of ten minutes


@st.composite
def stories(draw: st.DrawFn) -> tuple[dict[str, list[reference.Read]], int | None]:
    """One or two registers, read at any ticks of four days with a clock change among them."""
    first = draw(st.sampled_from(["2025-03-29 00:00", "2025-10-25 00:00"]))
    start = at(first) // reference.TICK_S
    registers = {}
    for name in draw(st.sampled_from([["A"], ["A"], ["A", "B"]])):
        moments = sorted(draw(st.sets(st.one_of(TICKS, st.integers(0, 191).map(lambda n: n * 3)), max_size=7)))
        value, given = float(draw(st.integers(0, 999))), []
        for tick in moments:
            value = float(draw(st.one_of(st.just((value + draw(st.integers(0, 60))) % 1000), st.integers(0, 999))))
            given.append((start + tick, value))
        registers[name] = given
    return registers, draw(st.sampled_from([None, 3]))


@settings(max_examples=150)
@given(stories(), st.sampled_from([30, 60]))
def test_days_and_slots_hold_what_each_tick_adds_up_to(
    story: tuple[dict[str, list[reference.Read]], int | None], step: int
) -> None:
    given, digits = story
    facts = [register(code=name, digits=digits) for name in given]
    rows = [(n, when * reference.TICK_S, value) for n, name in enumerate(given) for when, value in given[name]]
    consumption = consumption_of(facts, reads(*rows), PointFacts("M1", LONDON, step))
    expected = reference.consumption(given, step=step // 10, zone=LONDON, digits=digits)
    found = use(consumption)
    assert found.keys() == expected.use.keys()
    for key, value in expected.use.items():
        assert found[key][0] == pytest.approx(value, abs=1e-6), key
        assert found[key][1] == (DERIVED if key[1] is None else ACTUAL)
    for day, _ in found:
        assert consumption.first[0] <= (day - ZERO).days < consumption.end[0]


@pytest.mark.parametrize(
    ("first", "hours"),
    [(date(2025, 3, 29), [24, 23, 24]), (date(2025, 6, 1), [24, 24, 24]), (date(2025, 10, 25), [24, 25, 24])],
)
def test_long_use_is_spread_over_whole_days_by_their_hours(first: date, hours: list[int]) -> None:
    given = reads((0, f"{first} 00:00", 100), (0, f"{first + timedelta(days=3)} 00:00", 100 + 2 * sum(hours)))
    days = [first + timedelta(days=n) for n in range(3)]
    found = use(consumption_of([register()], given))
    assert found == {(day, None): (pytest.approx(2.0 * h), DERIVED) for day, h in zip(days, hours, strict=True)}


def test_reads_a_slot_apart_are_measured_slots() -> None:
    given = reads((0, "2025-06-01 00:00", 10), (0, "2025-06-01 00:30", 10.4), (0, "2025-06-01 01:00", 11, ESTIMATED))
    day = date(2025, 6, 1)
    assert use(consumption_of([register()], given)) == {
        (day, 0): (pytest.approx(0.4), ACTUAL),
        (day, 1): (pytest.approx(0.6), ESTIMATED),
    }


def test_a_meter_of_whole_days_measures_from_midnight_to_midnight() -> None:
    given = reads((0, "2025-06-01 00:00", 10), (0, "2025-06-02 00:00", 30), (0, "2025-06-03 12:00", 66))
    found = use(consumption_of([register()], given, PointFacts("M1", LONDON, 1440)))
    assert found == {
        (date(2025, 6, 1), None): (20.0, ACTUAL),
        (date(2025, 6, 2), None): (pytest.approx(24.0), DERIVED),
        (date(2025, 6, 3), None): (pytest.approx(12.0), DERIVED),
    }


def test_reads_that_wander_are_of_the_nearest_edge_within_the_tolerance() -> None:
    day = date(2025, 6, 1)
    given = reads((0, "2025-06-01 00:00:20", 10), (0, "2025-06-01 00:29:50", 11), (0, "2025-06-01 01:02:00", 13))
    near = use(consumption_of([register()], given))
    wide = use(consumption_of([register(tolerance_s=180)], given))
    assert near == {(day, None): (pytest.approx(3.0), DERIVED), (day, 0): (1.0, ACTUAL)}
    assert wide == {(day, 0): (1.0, ACTUAL), (day, 1): (2.0, ACTUAL)}


def test_rows_newest_first_and_repeated_are_the_same_reads() -> None:
    rows = [(0, "2025-06-03 00:00", 30.0), (0, "2025-06-02 00:00", 20.0), (0, "2025-06-01 00:00", 10.0)]
    assert use(consumption_of([register()], reads(*rows, *rows))) == use(
        consumption_of([register()], reads(*rows[::-1]))
    )


def test_a_register_rolls_over_at_its_width() -> None:
    given = reads((0, "2025-06-01 00:00", 99_990), (0, "2025-06-02 00:00", 14))
    assert use(consumption_of([register(digits=5)], given)) == {(date(2025, 6, 1), None): (24.0, DERIVED)}


@pytest.mark.parametrize(("digits", "before", "after"), [(None, 99_990, 14), (5, 5000, 4990), (5, 60_000, 10_000)])
def test_a_fall_that_nothing_explains_is_a_finding_and_stores_nothing(
    digits: int | None, before: float, after: float
) -> None:
    given = reads((0, "2025-06-01 00:00", before), (0, "2025-06-02 00:00", after), (0, "2025-06-03 00:00", after + 48))
    consumption = consumption_of([register(digits=digits)], given)
    assert use(consumption) == {(date(2025, 6, 2), None): (48.0, DERIVED)}
    assert len(consumption.notes) == 1
    assert f"fell from {before:g} (2025-06-01 00:00) to {after:g} (2025-06-02 00:00)" in consumption.notes[0]


def test_a_read_with_more_digits_than_the_register_has_is_left_out_and_told() -> None:
    given = reads((0, "2025-06-01 00:00", 10), (0, "2025-06-02 00:00", 123_456), (0, "2025-06-03 00:00", 58))
    consumption = consumption_of([register(digits=5)], given)
    assert use(consumption) == {(date(2025, 6, n), None): (24.0, DERIVED) for n in (1, 2)}
    assert "a register of 5 digits cannot show 123456" in consumption.notes[0]


def test_a_declared_reset_explains_a_fall() -> None:
    given = reads((0, "2025-06-01 00:00", 500), (0, "2025-06-03 00:00", 24))
    known = RegisterReset(at("2025-06-02 00:00"), at("2025-06-02 01:00"), 524.0, 0.0)
    found = use(consumption_of([register(resets=[known])], given))
    assert found == {(date(2025, 6, 1), None): (24.0, DERIVED), (date(2025, 6, 2), None): (24.0, DERIVED)}
    unknown = RegisterReset(at("2025-06-02 00:00"), at("2025-06-02 01:00"), None, 0.0)
    consumption = consumption_of([register(resets=[unknown])], given)
    assert use(consumption) == {(date(2025, 6, 2), None): (24.0, DERIVED)}, "use before the reset is not known"
    assert consumption.notes == []
    elsewhere = RegisterReset(at("2025-05-02 00:00"), at("2025-05-02 01:00"), None, 0.0)
    assert use(consumption_of([register(resets=[elsewhere])], given)) == {}


def test_nothing_is_differenced_across_an_exchange() -> None:
    devices = [
        DeviceSpan("OLD", START, at("2025-06-03 00:00"), None, 1048.0, None),
        DeviceSpan("NEW", at("2025-06-03 00:00"), END, 5.0, None, None),
    ]
    point = PointFacts("M1", LONDON, devices=devices)
    given = reads((0, "2025-06-01 00:00", 1000), (1, "2025-06-05 00:00", 101))
    found = use(consumption_of([register("OLD"), register("NEW")], given, point))
    expected = {1: 24.0, 2: 24.0, 3: 48.0, 4: 48.0}
    assert found == {(date(2025, 6, n), None): (value, DERIVED) for n, value in expected.items()}


def test_reads_without_a_serial_are_of_the_device_of_their_day() -> None:
    devices = [
        DeviceSpan("OLD", START, at("2025-06-03 00:00"), None, 1048.0, None),
        DeviceSpan("NEW", at("2025-06-03 00:00"), END, 5.0, None, None),
    ]
    point = PointFacts("M1", LONDON, devices=devices)
    given = reads((0, "2025-06-01 00:00", 1000), (0, "2025-06-05 00:00", 101))
    found = use(consumption_of([register("")], given, point))
    expected = {1: 24.0, 2: 24.0, 3: 48.0, 4: 48.0}
    assert found == {(date(2025, 6, n), None): (value, DERIVED) for n, value in expected.items()}


def test_two_serials_that_follow_each_other_are_an_exchange_that_was_not_recorded() -> None:
    given = reads(
        (0, "2025-06-01 00:00", 1000), (0, "2025-06-02 00:00", 1024),
        (1, "2025-06-02 00:00", 3), (1, "2025-06-03 00:00", 27),
    )  # fmt: skip
    found = use(consumption_of([register("OLD"), register("NEW")], given))
    assert found == {(date(2025, 6, n), None): (24.0, DERIVED) for n in (1, 2)}


TWO_AT_ONCE = (
    (0, "2025-06-01 00:00", 1000), (0, "2025-06-03 00:00", 1048),
    (1, "2025-06-01 00:00", 0), (1, "2025-06-03 00:00", 96),
)  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "serial", "daily", "notes"),
    [
        ([register("A"), register("B")], "", None, 1),
        ([register("A"), register("B")], "B", 48.0, 1),
        ([register("A", is_beside=True), register("B", is_beside=True)], "", 72.0, 0),
        ([register("A"), register("B", is_beside=True)], "", 72.0, 0),
    ],
)
def test_two_devices_at_one_time_are_summed_only_when_declared(
    facts: list[RegisterFacts], serial: str, daily: float | None, notes: int
) -> None:
    consumption = consumption_of(facts, reads(*TWO_AT_ONCE), PointFacts("M1", LONDON, serial_key=serial))
    assert len(consumption.notes) == notes
    expected = {} if daily is None else {(date(2025, 6, n), None): (daily, DERIVED) for n in (1, 2)}
    assert use(consumption) == expected


def test_day_and_night_registers_sum_to_the_use_and_a_missing_one_makes_it_missing() -> None:
    rows = [
        (0, "2025-06-01 00:00", 100), (1, "2025-06-01 00:00", 50), (0, "2025-06-02 00:00", 116),
        (1, "2025-06-02 00:00", 58), (0, "2025-06-03 00:00", 130),
    ]  # fmt: skip
    day_and_night = [register(code="D"), register(code="N")]
    consumption = consumption_of(day_and_night, reads(*rows))
    assert use(consumption) == {(date(2025, 6, 1), None): (24.0, DERIVED)}
    assert "register S1 N has no read after 2025-06-02 00:00" in consumption.notes[0]
    ended = [register(code="D"), register(code="N", until_s=at("2025-06-02 00:00"))]
    assert use(consumption_of(ended, reads(*rows)))[date(2025, 6, 2), None] == (14.0, DERIVED)


def test_registers_of_maximum_demand_and_checks_are_never_differenced() -> None:
    given = reads((0, "2025-06-01 00:00", 10), (0, "2025-06-02 00:00", 30))
    assert use(consumption_of([register(kind=MAXIMUM)], given)) == {}
    assert use(consumption_of([register(kind="check")], given)) == {}


def test_a_multiplier_holds_from_its_day_on() -> None:
    epochs = [Epoch(START, 2.0), Epoch(at("2025-06-02 00:00"), 10.0)]
    given = reads((0, "2025-06-01 00:00", 100), (0, "2025-06-03 00:00", 148))
    found = use(consumption_of([register()], given, PointFacts("M1", LONDON, epochs=epochs)))
    assert found == {(date(2025, 6, 1), None): (48.0, DERIVED), (date(2025, 6, 2), None): (240.0, DERIVED)}


def test_a_display_in_other_units_is_converted() -> None:
    given = reads((0, "2025-06-01 00:00", 1.5), (0, "2025-06-02 00:00", 1.6))
    mwh = register(unit="MWh", factor=1000.0)
    assert use(consumption_of([mwh], given)) == {(date(2025, 6, 1), None): (pytest.approx(100.0), DERIVED)}


def test_days_of_another_zone_are_its_own() -> None:
    given = reads((0, at("2025-06-01 00:00"), 0), (0, at("2025-06-02 00:00"), 24))
    found = use(consumption_of([register()], given, PointFacts("M1", "America/New_York")))
    # Midnight in London in summer is 19:00 the day before in New York.
    assert found == {
        (date(2025, 5, 31), None): (pytest.approx(5.0), DERIVED),
        (date(2025, 6, 1), None): (pytest.approx(19.0), DERIVED),
    }


def test_the_last_actual_read_is_effective_and_an_estimate_never_replaces_it() -> None:
    def given(*rows: tuple[float, int, int]) -> Reads:
        first = reads((0, "2025-06-01 00:00", 0))
        rest = reads(*((0, "2025-06-02 00:00", value, quality) for value, quality, _ in rows))
        rest = replace(rest, order=np.array([order for *_, order in rows]))
        return Reads.joined([first, rest])

    def total(*rows: tuple[float, int, int]) -> float | None:
        found = use(consumption_of([register()], given(*rows)))
        return found[date(2025, 6, 1), None][0] if found else None

    assert total((10, ESTIMATED, 1), (12, ACTUAL, 2)) == 12.0
    assert total((12, ACTUAL, 1), (10, ESTIMATED, 2)) == 12.0
    assert total((12, ACTUAL, 1), (14, ACTUAL, 2)) == 14.0
    assert total((12, ACTUAL, 1), (np.nan, 0, 2)) is None
    assert total((12, ACTUAL, 1), (np.nan, 0, 2), (10, ESTIMATED, 3)) == 10.0
    assert total((10, ESTIMATED, 1), (11, ESTIMATED, 2)) == 11.0
    doubtful = replace(given((10, ACTUAL, 1), (99, ACTUAL, 2)), is_doubtful=np.array([False, False, True]))
    assert use(consumption_of([register()], doubtful)) == {(date(2025, 6, 1), None): (10.0, DERIVED)}


def test_a_late_read_bears_on_the_days_from_the_read_before_it_to_the_one_after() -> None:
    every = reads(*((0, f"2025-06-{day:02} 00:00", 10.0 * day) for day in (1, 5, 9, 20)))
    late = reads((0, "2025-06-07 12:00", 80))
    facts = RegisterConfig([PointFacts("M1", LONDON)], [register()])
    consumption = calculate_consumption(facts, Reads.joined([every, late]), late)
    days = [ZERO + timedelta(days=int(n)) for n in (consumption.first[0], consumption.end[0])]
    assert days == [date(2025, 6, 5), date(2025, 6, 10)]
    assert {day for day, _ in use(consumption)} == {date(2025, 6, n) for n in (5, 6, 7, 8, 9)}


def test_many_meters_laid_out_in_parts_are_the_same_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [PointFacts(f"M{n}", LONDON) for n in range(40)]
    facts = RegisterConfig(points, [replace(register(), point=n) for n in range(40)])
    rows = [(n, f"2025-03-{1 + n % 9:02} 00:00", 10 * n) for n in range(40)]
    rows += [(n, f"2025-04-{1 + n % 7:02} 12:00", 10 * n + 500) for n in range(40)]
    given = reads(*rows)
    whole = calculate_consumption(facts, given, given)
    monkeypatch.setattr(spread, "AT_ONCE", 50)
    parts = calculate_consumption(facts, given, given)
    for name in DayUse.__slots__:
        assert (getattr(whole.days, name) == getattr(parts.days, name)).all()
    assert len(whole.days) > 1000
