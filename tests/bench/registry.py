"""Lists and rights over a large registry: 100,000 meters, 5,000 sites, 200 organisations, 2,000 people.

Runs in a process of its own for each database, ``python -m tests.bench.registry``, because the settings belong to one.
No readings: what is measured is what the registry alone makes people wait for.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests import needs
from tests.bench.figures import Figure, median, timed
from tests.bench.machine import environment_of
from tests.cluster import Cluster

if TYPE_CHECKING:
    from eclectyc.accounts.actor import Actor
    from eclectyc.accounts.models import User

LIMIT_MS = 150.0
REPEATS = 7
BATCH = 2000


@dataclass(frozen=True, slots=True)
class Size:
    """How large the registry is."""

    organisations: int = 200
    regions: int = 1000
    sites: int = 5000
    meters: int = 100_000
    people: int = 2000
    suppliers: int = 2000


def figures(home: Path, *, quick: bool) -> Iterator[Figure]:
    """Measure on SQLite, and on PostgreSQL where it is found."""
    home.mkdir(parents=True, exist_ok=True)
    yield from _in_a_process(home, "SQLite", environment_of(home), quick=quick)
    if not needs.found("postgresql"):
        print(f"  {needs.REMEDIES['postgresql']}: SQLite alone was measured.", file=sys.stderr)
        return
    cluster = Cluster.planned()
    try:
        cluster.start()
        environment = environment_of(home) | {"DATABASE_URL": cluster.new_database()}
        yield from _in_a_process(home, "PostgreSQL", environment, quick=quick)
    finally:
        cluster.stop()


def _in_a_process(home: Path, database: str, environment: dict[str, str], *, quick: bool) -> list[Figure]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.registry", database, *(["--quick"] if quick else [])],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"the registry on {database} failed:\n{done.stdout[-1000:]}\n{done.stderr[-4000:]}")
    return [Figure(**found) for found in json.loads(done.stdout)]


def fill(size: Size) -> None:
    """Fill an empty registry; one that is filled stays as it is."""
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", interactive=False, verbosity=0)
    from eclectyc.estate.models import Meter

    if Meter.objects.count() == size.meters:
        return
    _fill_estate(size, _fill_organisations(size))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _fill_organisations(size: Size) -> list[int]:
    """One consultancy above all, ten people in each company; the last has everything at a narrow scope."""
    from eclectyc.accounts.models import Membership, Organisation, User

    top = Organisation.objects.create(name="The consultancy")
    companies = [Organisation.objects.create(name=f"Company {n:03}", parent=top) for n in range(size.organisations - 1)]
    users = [User(email=f"person{n}@example.test", name=f"Person {n}") for n in range(size.people)]
    User.objects.bulk_create(users, batch_size=BATCH)
    members = [
        Membership(user=user, organisation=companies[n % len(companies)], role="viewer")
        for n, user in enumerate(users[2:])
    ]
    members.append(Membership(user=users[0], organisation=top, role="admin"))
    members.append(Membership(user=users[1], organisation=companies[0], role="admin"))
    Membership.objects.bulk_create(members, batch_size=BATCH)
    return [company.pk for company in companies]


def _fill_estate(size: Size, companies: list[int]) -> None:
    from eclectyc.estate.models import Meter, Region, Site, Supplier, Utility

    def company(n: int) -> int:
        return companies[n % len(companies)]

    regions = [Region(organisation_id=company(n), name=f"Region {n}") for n in range(size.regions)]
    Region.objects.bulk_create(regions, batch_size=BATCH)
    suppliers = [Supplier(organisation_id=company(n), name=f"Supplier {n:04}") for n in range(size.suppliers)]
    Supplier.objects.bulk_create(suppliers, batch_size=BATCH)
    places = ("Harbour", "Mill", "Station", "Castle", "Park", "Bridge", "Chapel", "Market")
    sites = [
        Site(
            organisation_id=regions[n % size.regions].organisation_id,
            region=regions[n % size.regions],
            name=f"{places[n % len(places)]} House {n:05}",
            postcode=f"BS{n % 30} {n % 9}{chr(65 + n % 26)}{chr(65 + n % 25)}",
            address=f"{n} {places[(n // 8) % len(places)]} Street, Bristol",
            company=f"Tenant {n % 400}",
        )
        for n in range(size.sites)
    ]
    Site.objects.bulk_create(sites, batch_size=BATCH)
    utilities = list(Utility.values)
    for first in range(0, size.meters, BATCH):
        Meter.objects.bulk_create(
            Meter(
                site=sites[n % size.sites],
                organisation_id=sites[n % size.sites].organisation_id,
                identifier=f"10{n:011}",
                name=f"Meter {n} of {places[n % 7]}",
                serial=f"E{n * 7919 % 10**8:08}",
                utility=utilities[n % len(utilities)],
                supplier=suppliers[n % size.sites % len(companies)] if n % 3 else None,
                is_active=bool(n % 10),
            )
            for n in range(first, min(first + BATCH, size.meters))
        )


def personas() -> dict[str, Actor]:
    """An operator, a consultant above all, a company's administrator, and people at narrow scopes."""
    from eclectyc.accounts.actor import Actor
    from eclectyc.accounts.models import Membership, User
    from eclectyc.estate.models import Meter, Region, Site

    def scoped(email: str, many: int, **scope: object) -> User:
        user, made = User.objects.get_or_create(email=email)
        if made:
            things: dict[str, Any] = {"region": Region, "site": Site, "meter": Meter}
            for name in scope:
                for thing in things[name].objects.order_by("pk")[:many]:
                    Membership.objects.create(
                        user=user, organisation_id=thing.organisation_id, role="admin", **{name: thing}
                    )
        return user

    people = {
        "a consultant above all": User.objects.get(email="person0@example.test"),
        "a company's administrator": User.objects.get(email="person1@example.test"),
        "somebody with 20 regions": scoped("regions@example.test", 20, region=True),
        "somebody with 50 sites": scoped("sites@example.test", 50, site=True),
        "somebody with 50 meters": scoped("meters@example.test", 50, meter=True),
    }
    return {"the operator": Actor.system()} | {name: Actor.of(user) for name, user in people.items()}


def lists(actor: Actor) -> dict[str, Callable[[], object]]:
    """Every list, as its pages ask for it."""
    from eclectyc.accounts.models import Membership, Organisation, User
    from eclectyc.estate import lists as of
    from eclectyc.estate.lists import ListPart, MeterFilter, NameFilter, SiteFilter

    def meters(name: str, part: ListPart | None = None, **narrowed: object) -> tuple[str, Callable[[], object]]:
        return f"meters, {name}", lambda: of.meters(actor, MeterFilter(**narrowed), part)  # type: ignore[arg-type]

    def sites(name: str, part: ListPart | None = None, **narrowed: object) -> tuple[str, Callable[[], object]]:
        return f"sites, {name}", lambda: of.sites(actor, SiteFilter(**narrowed), part)  # type: ignore[arg-type]

    def plain(model: type[Organisation | User | Membership]) -> Callable[[], object]:
        def asked() -> object:
            found = model.objects.visible_to(actor)
            return list(found[:50]), found.count()

        return asked

    return dict(
        [
            meters("first page"),
            meters("page 1,000", ListPart(offset=50_000)),
            *(meters(f"by {name}", ListPart(sort=name)) for name in of.METER_SORTS),
            *(meters(f"by {name} downwards", ListPart(sort=f"-{name}")) for name in ("identifier", "site", "supplier")),
            meters("search for many", search="harbour"),
            meters("search for one", search="10000000099999"[:13]),
            meters("search for none", search="zzzz"),
            meters("search for two words", search="mill tenant"),
            meters("gas", utility="gas"),
            meters("inactive at warehouses", is_active=False, site_type="other"),
            sites("first page"),
            *(sites(f"by {name}", ListPart(sort=name)) for name in of.SITE_SORTS),
            sites("search", search="bs1 harbour"),
            sites("with gas", utility="gas"),
            ("regions", lambda: of.regions(actor)),
            ("suppliers", lambda: of.suppliers(actor)),
            ("suppliers, search", lambda: of.suppliers(actor, NameFilter(search="0001"))),
            ("organisations", plain(Organisation)),
            ("people", plain(User)),
            ("memberships", plain(Membership)),
        ]
    )


def reaches(actor: Actor) -> dict[str, Callable[[], object]]:
    """Every ``visible_to``, counted whole."""
    from eclectyc.accounts.models import Membership, Organisation, User
    from eclectyc.estate.models import Meter, Region, Site, Supplier

    kinds = (Organisation, User, Membership, Region, Supplier, Site, Meter)
    return {f"visible_to: {kind.__name__}": kind.objects.visible_to(actor).count for kind in kinds}


def measured(database: str) -> Iterator[Figure]:
    """The slowest persona of each list and of each ``visible_to``."""
    runs: dict[str, tuple[float, str, list[float]]] = {}
    for persona, actor in personas().items():
        for name, work in (lists(actor) | reaches(actor)).items():
            taken = [seconds * 1000 for seconds in timed(work, repeats=REPEATS, warm_up=1)]
            if name not in runs or median(taken) > runs[name][0]:
                runs[name] = median(taken), persona, taken
    for name, (value, persona, taken) in runs.items():
        title = f"{name}, {database}"
        yield Figure(title, value, "ms", None, "", LIMIT_MS, note=f"slowest: {persona}", runs=taken)


def main() -> None:
    """Fill the registry that the environment names and print its figures as JSON."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "eclectyc.settings")
    import django

    django.setup()
    quick = "--quick" in sys.argv
    fill(Size(20, 40, 100, 2000, 100, 40) if quick else Size())
    print(json.dumps([asdict(figure) for figure in measured(sys.argv[1])]))


if __name__ == "__main__":
    main()
