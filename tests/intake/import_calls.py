"""Files written, imported through the whole pipeline, and read back slot by slot."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.estate.models import Meter, Series
from eclectyc.intake.import_options import ImportOptions
from eclectyc.intake.report import ImportReport
from eclectyc.intake.service import import_file
from eclectyc.lake.store import connect
from tests.factories import World

Slot = tuple[float | None, int]  # value and quality


def bring(world: World, path: Path, text: str | None = None, **options: Any) -> ImportReport:
    """Write ``text`` to ``path`` and import it as the organisation's administrator."""
    if text is not None:
        data = text.encode()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return import_file(Actor.of(world.admin), organisation=world.org, path=path, options=ImportOptions(**options))


def held(
    meter: Meter | str, quantity: str = "import", *, organisation: Organisation | None = None
) -> dict[datetime, Slot]:
    """Return every slot that the lake holds of a meter's quantity, by its UTC start; missing slots are left out."""
    owned = Meter.objects.filter(organisation=organisation) if organisation else Meter.objects.all()
    found = meter if isinstance(meter, Meter) else owned.get(identifier=meter)
    zone = ZoneInfo(found.site.timezone)
    slots: dict[datetime, Slot] = {}
    for series in Series.objects.filter(meter=found, quantity=quantity):
        days = connect().days([series.pk], date(1970, 1, 1), date(2100, 1, 1), values=True)
        for day, values, quality in days.select("day", "values", "quality").iter_rows():
            midnight = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
            for k, (value, flag) in enumerate(zip(values, quality, strict=True)):
                if value is not None:
                    slots[midnight + timedelta(minutes=k * series.step_minutes)] = (value, flag)
    return slots


def values_of(slots: dict[datetime, Slot]) -> dict[datetime, float]:
    """Return the values alone."""
    return {start: value for start, (value, _) in slots.items() if value is not None}


def starts_of(days: Iterable[date], zone: str, step: int = 30) -> list[datetime]:
    """Return the UTC starts of every slot of some local days: plain, one by one."""
    starts = []
    for day in days:
        tz = ZoneInfo(zone)
        at = datetime(day.year, day.month, day.day, tzinfo=tz).astimezone(UTC)
        following = day + timedelta(days=1)
        end = datetime(following.year, following.month, following.day, tzinfo=tz).astimezone(UTC)
        while at < end:
            starts.append(at)
            at += timedelta(minutes=step)
    return starts


def truth_of(starts: Iterable[datetime]) -> dict[datetime, float]:
    """Return a value for each slot, no two alike, exact in three decimals."""
    return {start: (k + 1) / 1000 for k, start in enumerate(starts)}


def snapshot(home: Path) -> dict[str, bytes]:
    """Return every file of the lake, and every row of the registry."""
    from django.apps import apps

    files = {str(path): path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()}
    for model in apps.get_models():
        rows = model._default_manager.order_by("pk").values_list()
        files[model._meta.label] = repr(list(rows)).encode()
    return files
