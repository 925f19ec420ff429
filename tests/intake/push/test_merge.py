"""Many pushes in one batch do what each would have done alone, one after another, to whatever is held."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclectyc.intake.push.batching import MOST_READINGS, WaitingPush, next_batch
from eclectyc.intake.push.encoding import PushedSlots, pack, unpack
from eclectyc.intake.push.merge import merge
from eclectyc.kernel.quality import ACTUAL, ESTIMATED, UNFLAGGED

Slot = tuple[int, int, int]  # series, day, slot
Word = tuple[float, int]  # value, quality
Says = dict[Slot, Word]


def after(held: Word | None, said: Word) -> Word:
    """What a slot holds after a reading came, as FORMATS has it: in words, for one slot."""
    value, quality = said
    if held is None:
        return value, ACTUAL if quality == UNFLAGGED else quality
    if quality == ESTIMATED:
        return held if held[1] == ACTUAL else said
    if quality == UNFLAGGED:
        return held if held[0] == value else (value, ACTUAL)
    return said


def laid(held: Says, pushes: list[Says]) -> Says:
    state = dict(held)
    for push in pushes:
        for slot, word in push.items():
            state[slot] = after(state.get(slot), word)
    return state


def as_pushed(says: Says) -> tuple[int, PushedSlots]:
    """One push: of the series of its first slot."""
    keys = sorted(says)
    return keys[0][0], PushedSlots(
        np.array([day for _, day, _ in keys], np.int32),
        np.array([slot for _, _, slot in keys], np.int16),
        np.array([says[key][0] for key in keys]),
        np.array([says[key][1] for key in keys], np.int8),
    )


def words(series: np.ndarray, slots: PushedSlots) -> Says:
    each = zip(*(a.tolist() for a in (series, slots.day, slots.slot, slots.value, slots.quality)), strict=True)
    return {(s, day, slot): (value, quality) for s, day, slot, value, quality in each}


VALUES = st.sampled_from([1.0, 2.0, 3.0])
WORDS = st.tuples(VALUES, st.sampled_from([ACTUAL, ESTIMATED, UNFLAGGED]))
PLACES = st.tuples(st.integers(-1, 1), st.integers(0, 2))
PUSHES = st.lists(
    st.tuples(st.integers(1, 2), st.dictionaries(PLACES, WORDS, min_size=1, max_size=4)), min_size=1, max_size=6
)
HELD = st.dictionaries(
    st.tuples(st.integers(1, 2), st.integers(-1, 1), st.integers(0, 2)),
    st.tuples(VALUES, st.sampled_from([ACTUAL, ESTIMATED])),
    max_size=18,
)


@given(PUSHES, HELD)
def test_batches_of_pushes_leave_what_the_pushes_would_have_left_one_by_one(
    sent: list[tuple[int, dict[tuple[int, int], Word]]], held: Says
) -> None:
    pushes: list[Says] = [{(series, *place): word for place, word in says.items()} for series, says in sent]
    state, left, batches = dict(held), list(pushes), 0
    while left:
        merged = merge([as_pushed(push) for push in left])
        assert len(merged.late) < len(left), "each batch takes something"
        state = laid(state, [words(merged.series, merged.slots)])
        left = [push for nth, push in enumerate(left) if nth in merged.late]
        batches += 1
    assert state == laid(held, pushes)
    flags = {word[1] for push in pushes for word in push.values()}
    if not {ESTIMATED, UNFLAGGED} <= flags:
        assert batches == 1


def test_only_a_push_that_cannot_be_merged_waits_with_those_after_it() -> None:
    estimate, equal, other = ({(1, 5, 0): word} for word in ((2.0, ESTIMATED), (2.0, UNFLAGGED), (9.0, ACTUAL)))
    elsewhere: Says = {(2, 5, 0): (4.0, UNFLAGGED)}
    merged = merge([as_pushed(push) for push in (estimate, equal, elsewhere, other)])
    assert merged.late == {1, 3}
    assert words(merged.series, merged.slots) == estimate | elsewhere


def test_a_million_readings_sent_twice_are_brought_together_at_once() -> None:
    many = PushedSlots(
        np.repeat(np.arange(20_000, dtype=np.int32), 48),
        np.tile(np.arange(48, dtype=np.int16), 20_000),
        np.arange(960_000) / 8,
        np.full(960_000, UNFLAGGED, np.int8),
    )
    merged = merge([(2**31 - 1, many), (7, many), (2**31 - 1, many)])
    assert (len(merged.slots), merged.late) == (2 * 960_000, frozenset())
    assert merged.series[[0, -1]].tolist() == [7, 2**31 - 1]
    assert (merged.slots.value[960_000:] == many.value).all()


@given(st.dictionaries(PLACES, st.tuples(st.floats(allow_nan=False), st.integers(0, 5)), min_size=1))
def test_what_is_packed_is_unpacked(says: dict[tuple[int, int], Word]) -> None:
    _, pushed = as_pushed({(1, *place): word for place, word in says.items()})
    found = unpack(pack(pushed))
    for name in ("day", "slot", "value", "quality"):
        assert getattr(found, name).dtype == getattr(pushed, name).dtype
        assert getattr(found, name).tolist() == getattr(pushed, name).tolist()


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-3], lambda data: b"\x07" + data[1:], lambda data: data[:5], lambda data: data[:2]]
)
def test_what_is_damaged_is_not_unpacked(damage) -> None:
    _, pushed = as_pushed({(1, 0, 0): (1.0, ACTUAL)})
    with pytest.raises(ValueError, match="push"):
        unpack(damage(pack(pushed)))


def test_a_batch_is_one_persons_and_keeps_the_order_of_each_series() -> None:
    waiting = [
        WaitingPush(1, 1, 10, 100, 5),
        WaitingPush(2, 1, 20, 101, 5),  # another person's
        WaitingPush(3, 1, 10, 101, 5),  # after theirs, of the same series
        WaitingPush(4, 1, 10, 100, 5),
        WaitingPush(5, 2, 10, 200, 5),  # another organisation's
        WaitingPush(6, 1, 10, 102, 5),
    ]
    assert [push.pk for push in next_batch(waiting)] == [1, 4, 6]
    assert [push.pk for push in next_batch(waiting[1:3])] == [2]
    assert [push.pk for push in next_batch(waiting, most_pushes=2)] == [1, 4]
    assert next_batch([]) == []


def test_a_batch_is_bounded_and_takes_one_push_however_large() -> None:
    waiting = [WaitingPush(1, 1, 1, 7, MOST_READINGS + 1), WaitingPush(2, 1, 1, 8, 1)]
    assert [push.pk for push in next_batch(waiting)] == [1]
    waiting = [WaitingPush(1, 1, 1, 7, MOST_READINGS - 1), WaitingPush(2, 1, 1, 8, 2), WaitingPush(3, 1, 1, 8, 1)]
    assert [push.pk for push in next_batch(waiting)] == [1]
