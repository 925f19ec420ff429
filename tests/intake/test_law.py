"""Imports and undos in any order against a plain reference: what replaces what, slot by slot."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eclectyc.accounts.actor import Actor
from eclectyc.intake.undo import undo_batch
from tests.factories import World, make_meter, make_series
from tests.intake.import_calls import bring, held

pytestmark = pytest.mark.django_db

START = datetime(2025, 1, 31, 20, tzinfo=UTC)  # the slots lie on both sides of a month's end
ACTUAL, ESTIMATED = 1, 2
_numbers = count(1)

Said = dict[int, tuple[float, str]]  # slot → value and printed flag
slots = st.integers(0, 11)
said = st.dictionaries(slots, st.tuples(st.sampled_from([0.0, 1.0, 2.5]), st.sampled_from(["A", "E", ""])), min_size=1)
operations = st.lists(st.one_of(said, st.integers(0, 5)), min_size=1, max_size=7)  # an import, or an undo of one


def reference(claims: list[tuple[Said, bool]]) -> dict[int, tuple[float, int]]:
    """Fold claims in order. Each is what a file said, and whether the file has a column of flags."""
    state: dict[int, tuple[float, int]] = {}
    for claim, is_flagged in claims:
        for slot, (value, flag) in claim.items():
            old = state.get(slot)
            if flag == "E":
                if old is None or old[1] == ESTIMATED:
                    state[slot] = (value, ESTIMATED)
            elif is_flagged or old is None or old[0] != value:
                state[slot] = (value, ACTUAL)  # an equal value without a flag does not upgrade an estimate
    return state


@pytest.mark.parametrize("is_flagged", [True, False])
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(operations)
def test_any_imports_and_undos_give_what_the_reference_gives(
    world: World, tmp_path: Path, is_flagged: bool, work: list[Said | int]
) -> None:
    meter = make_meter(world.site, f"L{next(_numbers)}")
    make_series(meter)
    live: list[tuple[int, Said, bool]] = []
    for step in work:
        if isinstance(step, int):
            if step < len(live):
                undo_batch(Actor.of(world.admin), batch=live.pop(step)[0])
        else:
            flagged = is_flagged or any(flag == "E" for _, flag in step.values())
            before = reference([(claim, has_flags) for _, claim, has_flags in live])
            report = bring(world, tmp_path / "file.csv", printed(meter.identifier, step, flagged))
            live.append((report.batch or 0, step, flagged))
            after = reference([(claim, has_flags) for _, claim, has_flags in live])
            check_counts(report, step, before, after)
        expected = reference([(claim, has_flags) for _, claim, has_flags in live])
        assert held(meter) == {START + slot * timedelta(minutes=30): told for slot, told in expected.items()}


def printed(identifier: str, claim: Said, is_flagged: bool) -> str:
    lines = ["Meter,Start,kWh,Flag" if is_flagged else "Meter,Start,kWh"]
    for slot, (value, flag) in claim.items():
        start = START + slot * timedelta(minutes=30)
        lines.append(f"{identifier},{start:%Y-%m-%d %H:%M},{value}" + (f",{flag}" if is_flagged else ""))
    return "\n".join(lines) + "\n"


def check_counts(report, claim: Said, before, after) -> None:  # type: ignore[no-untyped-def]
    assert report.readings == len(claim) == report.added + report.changed + report.unchanged + report.kept
    assert report.added == len(set(after) - set(before))
    assert report.changed == sum(after[slot] != before[slot] for slot in before)
    kept = [s for s, (_, flag) in claim.items() if flag == "E" and before.get(s, (0, 0))[1] == ACTUAL]
    assert report.kept == len(kept)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.sampled_from([None, 0.0, 0.25, 7.125]), min_size=96, max_size=96), st.permutations(range(96)))
def test_a_long_file_in_any_order_and_a_wide_one_say_the_same(
    world: World, tmp_path: Path, values: list[float | None], order: list[int]
) -> None:
    first = date(2025, 1, 31)
    starts = [datetime(2025, 1, 31, tzinfo=UTC) + k * timedelta(minutes=30) for k in range(96)]
    one, two = (make_meter(world.site, f"W{next(_numbers)}") for _ in range(2))
    for meter in (one, two):
        make_series(meter)
    cells = ["" if value is None else str(value) for value in values]
    header = "Meter,Date," + ",".join(f"HH{k + 1}" for k in range(48))
    days = [f"{one},{first + timedelta(days=n):%d/%m/%Y},{','.join(cells[48 * n : 48 * n + 48])}" for n in range(2)]
    rows = [f"{two},{starts[k]:%d/%m/%Y %H:%M},{cells[k]}" for k in order]
    bring(world, tmp_path / "wide.csv", "\n".join([header, *days]) + "\n")
    bring(world, tmp_path / "long.csv", "\n".join(["Meter,Start,kWh", *rows]) + "\n")
    expected = {start: (value, ACTUAL) for start, value in zip(starts, values, strict=True) if value is not None}
    assert held(one) == held(two) == expected
