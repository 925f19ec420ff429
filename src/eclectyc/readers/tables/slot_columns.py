"""Find the columns of a day's slots in wide tables, their order, and the columns of their flags.

A set of slot columns is recognised as a set, not by a list of spellings: headings that share their letters and differ
in a number (HH01 … HH48, P1 …, Period 1 …, 1 … 48) or a clock time (00:00 … 23:30, 0030 … 2400, 00:00 … 24:30). A
second set whose letters mean flag holds the flags.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.tables.headings import header_key, unit_in

_CLOCK: Final = re.compile(r"^(.*?)([0-9]{1,2})[:h]([0-9]{2})(?::00)?(.*)$")
_SPAN: Final = re.compile(r"^\s*([0-9]{1,2}:[0-9]{2})(?::00)?\s*(?:-|–|to)\s*[0-9]{1,2}:[0-9]{2}(?::00)?\s*$")
_PLAIN_NAME: Final = re.compile(r"^(?!.*[0-9][.,][0-9])[A-Za-z0-9(\[][^£$€%+]{0,60}$")
_NUMBER: Final = re.compile(r"^([a-z]*?)_?0*([0-9]{1,4})([a-z]*)$")
_FLAGS: Final = re.compile(
    r"^(f|fl|flag|flags|status|type|q|quality|est|estimated|actest|ae|actualestimated|ind|indicator|readtype)$"
)
_PERIOD_WORDS = "hh p period sp slot interval halfhour hhperiod settlementperiod t h hour hhr time"
_VALUE_WORDS = "kwh value val v reading consumption kw kvarh m3 wh mwh"
_SLOT_WORDS: Final = {"", *_PERIOD_WORDS.split(), *_VALUE_WORDS.split()}
_PER_DAY: Final = {23: 60, 24: 60, 25: 60, 46: 30, 48: 30, 50: 30, 92: 15, 96: 15, 100: 15, 288: 5, 276: 5, 300: 5}


@dataclass(frozen=True, slots=True)
class SlotColumns:
    """The columns of a day's slots, in order. ``values[k]`` and ``flags[k]`` are column indexes (-1: no column)."""

    values: tuple[int, ...]
    flags: tuple[int, ...]  # empty if there are none
    step: int  # minutes
    placing: Literal["position", "clock"]
    ending: bool  # the headings are the ends of the slots
    unit: str | None
    sample: str


@dataclass(frozen=True, slots=True)
class _SlotHeading:
    index: int
    letters: str  # what is left of the key without its number
    number: int  # 1 … n, or minutes of the day for a clock
    is_clock: bool


def slot_number(name: str) -> int | None:
    """Return the number or the minutes in a heading that may be a slot's, else None."""
    heading = _slot_heading(0, name)
    return None if heading is None or _is_flag(heading.letters) else heading.number


def count_slots(cells: Sequence[str]) -> int:
    """Return how many cells of a line are slot headings. Plain numbers count only as a run from 1."""
    bare = [cell.lstrip("0") for cell in cells if cell.isdigit()]
    run = next((n for n, number in enumerate(bare) if number != str(n + 1)), len(bare))
    words = (cell for cell in cells if cell and not cell.replace(".", "", 1).isdigit())  # skips readings quickly
    return sum(slot_number(cell) is not None for cell in words) + (run if run >= min(_PER_DAY) else 0)


def find_slots(names: Sequence[str]) -> SlotColumns | None:
    """Return the day's slot columns, or None if there are none; refuse an incomplete or repeated set."""
    groups: dict[tuple[str, bool], list[_SlotHeading]] = {}
    for heading in (_slot_heading(n, name) for n, name in enumerate(names)):
        if heading is not None:
            groups.setdefault((heading.letters, heading.is_clock), []).append(heading)
    _numbers_as_clocks(groups)
    sets = {key: group for key, group in groups.items() if len(group) >= 20}
    values = [group for (letters, _), group in sets.items() if not _is_flag(letters)]
    flags = [group for (letters, _), group in sets.items() if _is_flag(letters)]
    if not values:
        return None
    if len(values) > 1 or len(flags) > 1:
        firsts = ", ".join(repr(names[group[0].index]) for group in (*values, *flags))
        raise UnreadableFile(
            f"There are several sets of columns for the slots of a day, starting at {firsts}.",
            "Keep one set of values (and at most one of flags) in the file.",
        )
    return _slot_columns(names, values[0], flags[0] if flags else _flags_between(names, values[0]))


def _flags_between(names: Sequence[str], values: list[_SlotHeading]) -> list[_SlotHeading]:
    """Return flag columns that share one heading and each follow their value, as a set."""
    after = {heading.index + 1: heading for heading in values}
    keys = {header_key(names[index]) if index < len(names) else "" for index in after}
    if len(keys) != 1 or not _FLAGS.match(next(iter(keys))):
        return []
    return [_SlotHeading(index, "flag", heading.number, heading.is_clock) for index, heading in after.items()]


def _slot_heading(index: int, name: str) -> _SlotHeading | None:
    parsed = _parse_heading(name)
    return None if parsed is None else _SlotHeading(index, *parsed)


@lru_cache(4096)  # several formats and several delimiters parse the same header
def _parse_heading(name: str) -> tuple[str, int, bool] | None:
    """Return a heading's letters, its number and whether it is a clock time; None if it is not a slot's."""
    if not _PLAIN_NAME.match(name):
        return None
    if match := _SPAN.match(name):
        name = match[1]
    if match := _CLOCK.match(name.strip()):
        letters = _letters(match[1] + " " + match[4])
        minutes = int(match[2]) * 60 + int(match[3])
        return (letters, minutes, True) if int(match[3]) < 60 and _may_be(letters) else None
    unit = unit_in(name)
    key = header_key(re.sub(r"[(\[].*?[)\]]", "", name) if unit else name)
    if match := _NUMBER.match(key):
        letters = _letters(match[1] + " " + match[3])
        return (letters, int(match[2]), False) if _may_be(letters) else None
    return None


def _letters(text: str) -> str:
    """Return a heading's letters without its number, unit words and brackets."""
    words = re.sub(r"[(\[].*?[)\]]", " ", text).lower()
    key = header_key(words)
    for unit in ("kwh", "kvarh", "mwh"):
        if key.endswith(unit) and key != unit:
            key = key.removesuffix(unit)
    return key


def _is_flag(letters: str) -> bool:
    if _FLAGS.match(letters):
        return True
    return any(letters.startswith(word) and _FLAGS.match(letters.removeprefix(word)) for word in _SLOT_WORDS if word)


def _may_be(letters: str) -> bool:
    return letters in _SLOT_WORDS or _is_flag(letters)


def _numbers_as_clocks(groups: dict[tuple[str, bool], list[_SlotHeading]]) -> None:
    """Move headings such as 0000, 0030 … 2330 to the clock times: only the colon is missing."""
    for key in [key for key in groups if not key[1]]:
        group = groups[key]
        numbers = [heading.number for heading in group]
        if len(numbers) >= 20 and max(numbers) >= 1200 and all(number % 100 < 60 for number in numbers):
            clocks = [
                _SlotHeading(h.index, h.letters, h.number // 100 * 60 + h.number % 100, True) for h in groups.pop(key)
            ]
            groups.setdefault((key[0], True), []).extend(clocks)


def _slot_columns(names: Sequence[str], values: list[_SlotHeading], flags: list[_SlotHeading]) -> SlotColumns:
    is_clock = values[0].is_clock
    count = len(values)
    step = _PER_DAY.get(count)
    slots = _clock_slots(values, step) if is_clock else [heading.number - 1 for heading in values]
    if step is None or sorted(slots) not in (list(range(count)), _spring_clock(count, step, is_clock)):
        raise _odd_set(names, values, step)
    ending = is_clock and values[slots.index(0)].number == step
    width = 1440 // step if is_clock and count * step < 1440 else count
    by_slot, flag_by_slot = [-1] * width, [-1] * width
    for slot, heading in zip(slots, values, strict=True):
        by_slot[slot] = heading.index
    for heading in flags:
        flagged = _flag_slot(heading, values, slots)
        if flagged is not None:
            flag_by_slot[flagged] = heading.index
    if flags and any((flag < 0) != (value < 0) for flag, value in zip(flag_by_slot, by_slot, strict=True)):
        raise UnreadableFile(
            f"There are {count} columns of values and {len(flags)} of flags, and they do not match.",
            "Give each value column its flag column, or none of them.",
        )
    placing: Literal["position", "clock"] = "clock" if is_clock and count * step <= 1440 else "position"
    first = names[by_slot[0]]
    sample = f"{first} … {names[max(by_slot, key=by_slot.index)]}"
    flag_columns = tuple(flag_by_slot) if flags else ()
    return SlotColumns(tuple(by_slot), flag_columns, step, placing, ending, unit_in(first), sample)


def _clock_slots(values: list[_SlotHeading], step: int | None) -> list[int]:
    """Return each clock heading's slot. A set that starts one step after midnight has ends; its 00:00 is the last."""
    if step is None:
        return [-1] * len(values)
    by_column = sorted(values, key=lambda heading: heading.index)
    minutes = [heading.number for heading in values]
    ending = (0 not in minutes and step in minutes) or (by_column[-1].number == 0 and step in minutes)
    if any(minute % step for minute in minutes):
        return [-1] * len(values)
    if not ending:
        return [minute // step for minute in minutes]
    return [(minute or 1440) // step - 1 for minute in minutes]


def _spring_clock(count: int, step: int, is_clock: bool) -> list[int] | None:
    """Return the slots of a clock-headed day that has no columns for the skipped hour (01:00–02:00)."""
    if not is_clock or (count * step) != 1380:
        return None
    return [slot for slot in range(1440 // step) if not 60 <= slot * step < 120]


def _flag_slot(flag: _SlotHeading, values: list[_SlotHeading], slots: list[int]) -> int | None:
    for slot, heading in zip(slots, values, strict=True):
        if heading.is_clock == flag.is_clock and heading.number == flag.number:
            return slot
    if values[0].is_clock and not flag.is_clock:
        return flag.number - 1 if 1 <= flag.number <= len(values) else None
    return None


def _odd_set(names: Sequence[str], values: list[_SlotHeading], step: int | None) -> UnreadableFile:
    numbers = [heading.number for heading in values]
    doubled = sorted({names[h.index] for h in values if numbers.count(h.number) > 1})
    if doubled:
        return UnreadableFile(
            f"There are two columns for the same slot: {', '.join(doubled)}.", "Keep one column for each slot."
        )
    found = f"{len(values)} columns, {names[values[0].index]} … {names[values[-1].index]}"
    if not values[0].is_clock:
        missing = [str(n) for n in range(1, max(numbers) + 1) if n not in numbers][:6]
        if missing:
            found += f"; number {', '.join(missing)} is missing"
    return UnreadableFile(
        f"The columns for the slots of a day do not make a whole day: {found}.",
        "A day of half-hours has 46, 48 or 50 columns, numbered from 1 or headed 00:00 … 23:30 or 00:30 … 24:00.",
    )
