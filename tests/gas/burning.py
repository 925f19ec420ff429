"""Gas files, calorific values, and a plain reading of what kWh follow: slot by slot, in decimals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from eclectyc.accounts.actor import Actor
from eclectyc.derived.engine import recalculate
from eclectyc.estate.models import Meter, Series
from eclectyc.external.values import StoredValues, store_values
from eclectyc.gas.calorific_values import CALORIFIC_VALUE
from eclectyc.lake.store import connect
from tests.factories import World, make_meter
from tests.intake.import_calls import Slot

LONDON = ZoneInfo("Europe/London")
MPRN = "7512345604"


def gas_meter(world: World, identifier: str = MPRN, **fields: object) -> Meter:
    """Make a gas meter that counts m³ every half hour."""
    return make_meter(world.site, identifier, **({"utility": "gas", "unit": "m3"} | fields))


def slots_of_day(day: date, step: int = 30) -> int:
    start, end = (datetime(d.year, d.month, d.day, tzinfo=LONDON) for d in (day, day + timedelta(days=1)))
    return int((end.astimezone(UTC) - start.astimezone(UTC)) / timedelta(minutes=step))


def volumes(days: Iterable[date], value: str = "10", meter: str = MPRN, unit: str = "m3") -> str:
    """A wide file of 50 columns, every slot of each day the same."""
    head = "Meter,Date,Unit," + ",".join(f"HH{k + 1}" for k in range(50))
    lines = [
        f"{meter},{day:%d/%m/%Y},{unit}," + ",".join([value] * slots_of_day(day) + [""] * (50 - slots_of_day(day)))
        for day in days
    ]
    return "\n".join([head, *lines]) + "\n"


def daily(days: Iterable[date], value: str = "480", meter: str = MPRN) -> str:
    """A file of daily totals."""
    return "\n".join(["Meter,Date,Value,Unit", *(f"{meter},{day:%d/%m/%Y},{value},m3" for day in days)]) + "\n"


def tell(world: World, values: Mapping[date, str], region: str = "") -> StoredValues:
    """Store calorific values, and recalculate what depends on them."""
    put = store_values(
        Actor.of(world.admin), CALORIFIC_VALUE, organisation=world.org, place=region, values=values, source="test"
    )
    recalculate()
    return put


def span(first: date, days: int) -> list[date]:
    return [first + timedelta(days=n) for n in range(days)]


def gas_day_of(start: datetime) -> date:
    """Return the gas day of an instant, by the clock on the wall: from 05:00, until September 2015 from 06:00."""
    wall = start.astimezone(LONDON)
    today = wall.date()
    opens = 5 if today >= date(2015, 10, 1) else 6
    return today if wall.hour >= opens else today - timedelta(days=1)


def reference(
    held: Mapping[datetime, Slot], values: Mapping[date, str], correction: str = "1.02264", step: int = 30
) -> dict[datetime, Slot]:
    """Return the kWh that m³ are, one slot after another; what has no calorific value is left out."""
    found: dict[datetime, Slot] = {}
    for start, (m3, quality) in held.items():
        gas_day = start.astimezone(LONDON).date() if step == 1440 else gas_day_of(start)
        if gas_day in values and m3 is not None:
            kwh = Decimal(repr(m3)) * Decimal(correction) * Decimal(values[gas_day]) / Decimal("3.6")
            found[start] = (float(kwh), quality)
    return found


def total(meter: Meter, quantity: str = "import") -> float:
    """Return the sum of all days of a meter's primary series of a quantity."""
    series = Series.objects.filter(meter=meter, quantity=quantity, is_primary=True).values_list("pk", flat=True)
    return float(connect().days(list(series), date(1990, 1, 1), date(2100, 1, 1))["total"].sum())
