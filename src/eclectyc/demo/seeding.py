"""Fill an empty installation with the demo estate, or continue an earlier demo up to yesterday."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation, User
from eclectyc.accounts.people import add_user
from eclectyc.accounts.roles import ROLES
from eclectyc.batches.models import Batch
from eclectyc.demo.plan import ORGANISATION, MeterPlan, SitePlan, estate
from eclectyc.estate.meters import create_meter
from eclectyc.estate.models import Direction, Meter, Region, Series, Site, Supplier
from eclectyc.kernel.errors import EclectycError
from eclectyc.kernel.plurals import counted
from eclectyc.operations.first_user import new_password

if TYPE_CHECKING:
    import polars as pl

    from eclectyc.demo.readings import MeterDays
    from eclectyc.lake.write import WriteResult

FORMAT: Final = "demo"
SEED: Final = 42
YEARS: Final = 2

_ACTOR: Final = Actor.system("demo")

ProgressCallback = Callable[[str], None]


class NotEmpty(EclectycError):
    """The installation has an estate of its own, which the demo must not be mixed with."""

    code = "not_empty"


@dataclass(frozen=True)
class Account:
    """A demo account; ``password`` is None unless this run created it."""

    email: str
    role: str
    password: str | None


@dataclass(frozen=True)
class DemoEstate:
    accounts: list[Account]
    is_new: bool
    added: int  # how many were added now


def seed_demo(*, today: date, seed: int = SEED, on_progress: ProgressCallback = lambda _: None) -> DemoEstate:
    """Create the demo estate with readings up to yesterday.

    An existing demo gets the days since; an interrupted one is finished.
    """
    organisation = _organisation()
    first = Batch.objects.filter(format=FORMAT, state=Batch.DONE).order_by("pk").first()
    made: dict[str, Any] = first.report["demo"] if first else {"seed": seed, "made_on": today.isoformat()}
    made_on = date.fromisoformat(made["made_on"])
    start = _last_day_plus_one() if first else first_day(made_on)
    added = _write(organisation, made["seed"], made_on, start, today, on_progress) if start < today else 0
    return DemoEstate(_accounts(organisation), is_new=first is None, added=added)


def is_demo() -> bool:
    """Return whether this installation is the demo, finished or not."""
    return Batch.objects.filter(format=FORMAT).exists()


def _organisation() -> Organisation:
    """Return the demo's organisation; refuse if there is an estate."""
    organisations = list(Organisation.objects.all()[:2])
    has_estate = Site.objects.exists() or Batch.objects.exists() or len(organisations) != 1
    if has_estate and not is_demo():
        raise NotEmpty(
            "This home is not empty: the demo is never mixed with an estate of your own.",
            "Start the demo in another home: ECLECTYC_HOME=/path/to/demo eclectyc serve --demo.",
        )
    return Organisation.objects.order_by("pk")[0]


def first_day(made_on: date) -> date:
    """Return the first day of a demo's readings."""
    return made_on.replace(year=made_on.year - YEARS, day=min(made_on.day, 28))


def _last_day_plus_one() -> date:
    reports = Batch.objects.filter(format=FORMAT, state=Batch.DONE).values_list("report", flat=True)
    return max(date.fromisoformat(report["demo"]["until"]) for report in reports)


def _write(
    organisation: Organisation, seed: int, made_on: date, start: date, today: date, on_progress: ProgressCallback
) -> int:
    """Store the days from ``start`` up to yesterday as one batch, as an import does."""
    from eclectyc.batches.lifecycle import begin, committing, record_result, writers_turn
    from eclectyc.demo.readings import readings
    from eclectyc.lake.store import connect

    days = list(readings(seed, start=start, end=today, made_on=made_on))
    count = sum(int((m.quality > 0).sum()) for m in days)
    on_progress(
        f"Generated {counted(count, 'reading')} from {start:%-d %B %Y} up to yesterday; storing them in the lake."
    )
    facts = {"demo": {"seed": seed, "made_on": made_on.isoformat(), "until": today.isoformat()}}
    with writers_turn("demo") as lease:
        batch = begin(_ACTOR, lease, organisation=organisation, format=FORMAT, file_name="demo estate")
        series = _make_estate(organisation, made_on)
        rows = sum(m.days.size for m in days)

        def before_commit(result: WriteResult) -> None:
            counts = {name: getattr(result, name) for name in ("added", "changed", "unchanged", "kept")}
            record_result(batch, touched=result.touched, report=facts, rows=rows, accepted=rows, **counts)

        store = connect()
        with committing(batch, store, lease):
            store.write(_months(days, series), lease=lease, batch=batch.pk, before_commit=before_commit)
    return int(batch.added)


@transaction.atomic
def _make_estate(organisation: Organisation, made_on: date) -> dict[tuple[str, str], int]:
    """Create what is missing of the estate; return the series number of each (meter key, quantity)."""
    Organisation.objects.filter(pk=organisation.pk).update(name=ORGANISATION)
    series: dict[tuple[str, str], int] = {}
    for plan in estate():
        site = _make_site(organisation, plan)
        meters: dict[str, Meter] = {}
        for meter_plan in plan.meters:
            meter = meters[meter_plan.key] = _make_meter(site, meter_plan, meters, made_on)
            for quantity, unit in quantities(meter_plan):
                found, _ = Series.objects.get_or_create(
                    meter=meter, quantity=quantity, unit=unit, step_minutes=meter_plan.step, source=""
                )
                series[meter_plan.key, quantity] = found.pk
        _make_virtual_meters(site, plan)
    return series


def _make_virtual_meters(site: Site, plan: SitePlan) -> None:
    existing = set(Meter.objects.filter(site=site).exclude(formula="").values_list("identifier", flat=True))
    for one in plan.virtual:
        if one.identifier not in existing:
            create_meter(_ACTOR, site=site, identifier=one.identifier, name=one.name, formula=one.formula)


def quantities(plan: MeterPlan) -> list[tuple[str, str]]:
    """Return the (quantity, unit) pairs that a meter of the demo measures."""
    first = ("export" if plan.exports_for else "import", plan.unit)
    return [first, ("reactive_import", "kVArh")] if plan.power_factor else [first]


def _make_site(organisation: Organisation, plan: SitePlan) -> Site:
    region, _ = Region.objects.get_or_create(organisation=organisation, name=plan.region)
    names = ("address", "postcode", "site_type", "floor_area_m2", "latitude", "longitude")
    facts: dict[str, Any] = {name: getattr(plan, name) for name in names}
    facts |= {"region": region, "company": "Larkfield Group"}
    return Site.objects.get_or_create(organisation=organisation, name=plan.name, defaults=facts)[0]


def _make_meter(site: Site, plan: MeterPlan, others: dict[str, Meter], made_on: date) -> Meter:
    supplier = None
    if plan.supplier:
        supplier, _ = Supplier.objects.get_or_create(organisation=site.organisation, name=plan.supplier)
    facts: dict[str, Any] = {
        "site": site,
        "name": plan.name,
        "utility": plan.utility,
        "unit": plan.unit,
        "step_minutes": plan.step,
        "direction": Direction.EXPORT if plan.exports_for else Direction.IMPORT,
        "serial": plan.serial,
        "supplier": supplier,
        "parent": others[plan.parent] if plan.parent else None,
        "installed": made_on - timedelta(days=plan.since_days) if plan.since_days else None,
    }
    found, _ = Meter.objects.get_or_create(organisation=site.organisation, identifier=plan.identifier, defaults=facts)
    return found


def _months(days: Iterable[MeterDays], series: dict[tuple[str, str], int]) -> Iterable[pl.DataFrame]:
    import numpy as np
    import polars as pl

    from eclectyc.lake.slot_arrays import Slots

    frames = []
    for of_meter in days:
        if of_meter.days.size:
            number, count = series[of_meter.meter.key, of_meter.quantity], of_meter.days.size
            rows = {
                "series": pl.Series(np.full(count, number), dtype=pl.Int32),
                "day": pl.Series(of_meter.days).cast(pl.Date),
                "step": pl.Series(np.full(count, of_meter.step), dtype=pl.Int16),
            }
            slots = Slots(of_meter.values, of_meter.quality, of_meter.counts)
            frames.append(pl.DataFrame(rows | slots.columns()))
    rows_by_day = pl.concat(frames).sort("day", "series")
    month = pl.col("day").dt.truncate("1mo")
    return rows_by_day.with_columns(month=month).partition_by("month", include_key=False, maintain_order=True)


def _accounts(organisation: Organisation) -> list[Account]:
    """Return the three accounts; missing ones are created, with new passwords."""
    accounts = []
    for role in reversed(ROLES):
        email = f"{role}@demo.example"
        password = None
        if not User.objects.filter(email__iexact=email).exists():
            password = new_password()
            name = f"Demo {role}"
            add_user(_ACTOR, email=email, organisation=organisation, role=role, password=password, name=name)
        accounts.append(Account(email, role, password))
    return accounts
