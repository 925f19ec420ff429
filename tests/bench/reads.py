"""Reads over a filled home, warm: the lake, the questions asked of it, and pages.

Runs in a process of its own, ``python -m tests.bench.reads``, because the settings belong to one home.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.figures import Figure, median, timed
from tests.bench.machine import environment_of

if TYPE_CHECKING:
    from django.test import Client

    from eclectyc.analytics.periods import By

REPEATS = 15


def figures(home: Path, until: date) -> list[Figure]:
    """Measure in a fresh process over a home and return what it found."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.reads", until.isoformat()],
        env=environment_of(home),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"the reads failed:\n{done.stdout[-1000:]}\n{done.stderr[-4000:]}")
    return [Figure(**found) for found in json.loads(done.stdout)]


def _milliseconds(work: Callable[[], object]) -> list[float]:
    return [seconds * 1000 for seconds in timed(work, repeats=REPEATS, warm_up=3)]


def _figure(
    name: str, work: Callable[[], object], limit: float | None, floor: tuple[float, str] | None = None, note: str = ""
) -> Figure:
    runs = _milliseconds(work)
    bottom, floor_is = floor or (None, "")
    return Figure(name, median(runs), "ms", bottom, floor_is, limit, note=note, runs=runs)


def lake_reads(until: date) -> Iterator[Figure]:
    """The estate's months, a meter's year and its week; the floor is Polars over the same files."""
    import polars as pl
    from deltalake import DeltaTable
    from django.conf import settings

    from eclectyc.accounts.actor import Actor
    from eclectyc.analytics.estate import monthly
    from eclectyc.analytics.readings import meter_readings
    from eclectyc.estate.models import Meter
    from eclectyc.lake.store import connect

    store, actor = connect(), Actor.system()
    start, week = until - timedelta(days=365), until - timedelta(days=7)
    meters = list(Meter.objects.order_by("pk"))
    meter = meters[len(meters) // 2]
    series = list(meter.series.values_list("pk", flat=True))
    held = DeltaTable(settings.LAKE_URL).file_uris(partition_filters=[("layer", "=", "day")])
    files = pl.scan_parquet(held)

    def bare_months() -> object:
        month = pl.col("day").dt.truncate("1mo")
        return files.group_by("series", month).agg(pl.col("total", "present", "slots", "estimated").sum()).collect()

    def bare_meter(since: date, *columns: str) -> Callable[[], object]:
        wanted = files.filter(pl.col("series").is_in(series), pl.col("day") >= since, pl.col("day") < until)
        return lambda: wanted.select("series", "day", *columns).collect()

    def question(since: date, by: By) -> Callable[[], object]:
        return lambda: meter_readings(actor, meter, start=since, end=until, by=by, today=until)

    over_files = "Polars over the same files"
    months = median(_milliseconds(bare_months)), over_files
    a_year = median(_milliseconds(bare_meter(start, "total", "present"))), over_files
    a_week = median(_milliseconds(bare_meter(week, "values", "quality"))), over_files
    yield _figure("monthly totals of the estate, the lake", lambda: store.monthly(start, until), 30, months)
    yield _figure(
        "monthly totals of the estate, as a question",
        lambda: monthly(actor, meters, start, until, today=until),
        None,
        months,
        "meter by meter, with what was expected",
    )
    yield _figure("one meter's year by day, the lake", lambda: store.days(series, start, until), 30, a_year)
    yield _figure("one meter's year by day, as a question", question(start, "day"), 30, a_year)
    yield _figure(
        "one meter's week in slots, the lake", lambda: store.days(series, week, until, values=True), 40, a_week
    )
    yield _figure("one meter's week in slots, as a question", question(week, "slot"), 40, a_week)


def pages() -> Iterator[Figure]:
    """Pages as an administrator sees them, by Django's own client: server time, no network."""
    from django.test import Client

    from eclectyc.estate.models import Meter, Site

    client = _signed_in(Client(headers={"host": "localhost"}))
    meter = Meter.objects.order_by("pk")[500 % Meter.objects.count()]
    site = Site.objects.order_by("pk")[0]
    visitor = Client(headers={"host": "localhost"})
    plain = median(_milliseconds(lambda: _opened(visitor, "/login"))), "the sign-in page"
    for name, address, limit in (
        ("dashboard", "/", 150),
        ("meter page", f"/meters/{meter.pk}", 150),
        ("site page", f"/sites/{site.pk}", None),
        ("consumption report", "/reports/consumption", None),
    ):
        yield _figure(f"{name}, server time", partial(_opened, client, address), limit, plain)


def _signed_in(client: Client) -> Client:
    from eclectyc.accounts.models import Membership, Organisation, User

    user, _ = User.objects.get_or_create(email="bench@example.test")
    organisation = Organisation.objects.get()
    Membership.objects.update_or_create(user=user, organisation=organisation, defaults={"role": "admin"})
    client.force_login(user)
    return client


def _opened(client: Client, address: str) -> None:
    response = client.get(address)
    if response.status_code != 200:
        raise SystemExit(f"{address} answered {response.status_code}")
    b"".join(response) if response.streaming else response.content


def main() -> None:
    """Print the figures of the home that the environment names, as JSON."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "eclectyc.settings")
    import django

    django.setup()
    until = date.fromisoformat(sys.argv[1])
    print(json.dumps([asdict(figure) for part in (lake_reads(until), pages()) for figure in part]))


if __name__ == "__main__":
    main()
