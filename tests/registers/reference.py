"""Use between register reads, tick by tick and slowly: what days and slots must hold.

Written from the rules in words (FORMATS, "Registers"), not from the code: everything happens on ticks of ten ticks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

Read = tuple[int, float]  # tick since 1970, and what the register showed
TICK_S = 600


@dataclass
class Expected:
    """use : (day, None) for whole days and (day, slot) for slots → value."""

    use: dict[tuple[date, int | None], float] = field(default_factory=dict)


def consumption(registers: dict[str, list[Read]], *, step: int, zone: str, digits: int | None = None) -> Expected:
    """Return the use of one device's registers. step : ticks of a slot."""
    pieces = {name: list(_pieces(sorted(reads), digits)) for name, reads in registers.items() if reads}
    moments = [at for reads in registers.values() for at, _ in reads]
    if not moments:
        return Expected()
    last = max(moments)
    first = {name: min(at for at, _ in reads) for name, reads in registers.items() if reads}
    known: dict[int, float] = {}  # tick → use
    doubtful: set[int] = set()
    measured: set[int] = set()
    for tick in range(min(moments), last):
        wanted = [name for name in first if first[name] <= tick]
        covering = [_covering(pieces[name], tick) for name in wanted]
        if not any(c is not None for c in covering):
            if any(first[name] <= tick for name in wanted):
                doubtful.add(tick)
            continue
        if any(c is None or c[2] is None for c in covering):
            doubtful.add(tick)
            continue
        sound = [c for c in covering if c is not None and c[2] is not None]
        known[tick] = sum(use / (end - start) for start, end, use in sound)
        if all(_slot(start, step, zone) == _slot(end - 1, step, zone) for start, end, _ in sound):
            measured.add(tick)
    return _laid(known, doubtful, measured, step, zone)


def _pieces(reads: list[Read], digits: int | None):
    for (start, before), (end, after) in pairwise(reads):
        use: float | None = after - before
        if use < 0 and digits and use + 10**digits < 10**digits / 2:
            use += 10**digits
        yield start, end, use if use >= 0 else None


def _covering(pieces: list, tick: int):
    return next((piece for piece in pieces if piece[0] <= tick < piece[1]), None)


def _local(tick: int, zone: str) -> datetime:
    return datetime.fromtimestamp(tick * TICK_S, UTC).astimezone(ZoneInfo(zone))


def _midnight(day: date, zone: str) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp()) // TICK_S


def _slot(tick: int, step: int, zone: str) -> tuple[date, int]:
    day = _local(tick, zone).date()
    return day, (tick - _midnight(day, zone)) // step


def _laid(known: dict, doubtful: set, measured: set, step: int, zone: str) -> Expected:
    expected = Expected()
    for day in {_local(tick, zone).date() for tick in known}:
        start, end = _midnight(day, zone), _midnight(day + timedelta(days=1), zone)
        whole: set[int] = set()
        for slot in range((end - start) // step):
            ticks = range(start + slot * step, start + (slot + 1) * step)
            if all(tick in measured for tick in ticks):
                whole |= set(ticks)
                expected.use[day, slot] = sum(known[tick] for tick in ticks)
        touched = [tick for tick in range(start, end) if tick in known or tick in doubtful]
        if any(tick not in whole for tick in touched) and not any(tick in doubtful for tick in touched):
            expected.use[day, None] = sum(known[tick] for tick in touched)
    return expected
