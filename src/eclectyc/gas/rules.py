"""From m³ to kWh. Pure.

kWh = m³ × correction × calorific value [MJ/m³] / 3.6. A calorific value is that of a gas day, which runs from 05:00 to
05:00 local time; until the end of September 2015 it ran from 06:00. Published: 100 m³ at 39.5 are 1,122.06333 kWh.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from eclectyc.kernel.days import WHOLE_DAY, midnight
from eclectyc.kernel.quality import MISSING

MJ_PER_KWH: Final = Decimal("3.6")
EARLIER_SINCE: Final = date(2015, 10, 1)  # the first gas day that begins at 05:00
PLAUSIBLE: Final = (Decimal(30), Decimal(50))  # [MJ/m³] refused outside
USUAL: Final = (Decimal(37), Decimal(44))  # [MJ/m³] a warning outside


def opens_at(gas_day: date) -> time:
    """Return the local time at which a gas day begins.

    >>> opens_at(date(2015, 9, 30)), opens_at(date(2015, 10, 1))
    (datetime.time(6, 0), datetime.time(5, 0))
    """
    return time(5) if gas_day >= EARLIER_SINCE else time(6)


def kwh_per_m3(mj_per_m3: Decimal, correction: Decimal) -> float:
    """Return the energy of a metered cubic metre [kWh/m³].

    >>> round(100 * kwh_per_m3(Decimal("39.5"), Decimal("1.02264")), 5)
    1122.06333
    """
    return float(correction * mj_per_m3 / MJ_PER_KWH)


def slots_before(day: date, zone: ZoneInfo, step: int) -> int:
    """Return how many slots of a local day belong to the gas day before: those that start before it opens.

    A slot of a whole day is of the gas day that begins in it.

    >>> london = ZoneInfo("Europe/London")
    >>> [slots_before(date(2025, month, day), london, 30) for month, day in ((3, 30), (6, 1), (10, 26))]
    [8, 10, 12]
    """
    if step == WHOLE_DAY:
        return 0
    opens = datetime.combine(day, opens_at(day), tzinfo=zone).astimezone(UTC)
    minutes = int((opens - midnight(day, zone)).total_seconds()) // 60
    return -(-minutes // step)


def converted(
    m3: np.ndarray,
    quality: np.ndarray,
    lengths: np.ndarray,
    *,
    early: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the energy and quality of the slots of many days, one day after another.

    m3 [m³, NaN = missing], quality : shape (slots,). lengths : slots of each day. early : how many of them are of the
    gas day before. before, after : [kWh/m³] of that gas day and of the day's own; NaN if no calorific value is known:
    then the slot is missing.
    """
    starts = np.cumsum(lengths) - lengths
    place = np.arange(len(m3)) - np.repeat(starts, lengths)
    is_early = place < np.repeat(early, lengths)
    factor = np.where(is_early, np.repeat(before, lengths), np.repeat(after, lengths))
    kwh = m3 * factor
    return kwh, np.where(np.isnan(kwh), np.int8(MISSING), quality)
