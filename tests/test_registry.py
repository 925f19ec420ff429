"""The registry under many hands at once, on either database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.utils import ConnectionHandler

from eclectyc.estate.models import Region
from eclectyc.settings import _database
from tests.factories import World

HANDS = 8
TURNS = 100


@pytest.mark.django_db(transaction=True)
def test_eight_hundred_small_transactions_at_once_all_succeed(world: World) -> None:
    """With Django's defaults for SQLite a third of these fail with "database is locked"."""

    def work(hand: int) -> None:
        try:
            for turn in range(TURNS):
                with transaction.atomic():
                    seen = Region.objects.filter(organisation=world.org).count()
                    Region.objects.create(organisation=world.org, name=f"{hand}/{turn} after {seen}")
        finally:
            connection.close()

    with ThreadPoolExecutor(HANDS) as hands:
        list(hands.map(work, range(HANDS)))
    assert Region.objects.filter(organisation=world.org).count() == HANDS * TURNS


@pytest.mark.django_db
def test_a_committed_change_to_the_embedded_registry_survives_a_power_cut(tmp_path: Path) -> None:
    embedded = ConnectionHandler({"default": _database("", tmp_path)})["default"]
    with embedded.cursor() as cursor:
        found = {}
        for name in ("journal_mode", "synchronous", "foreign_keys"):
            cursor.execute(f"PRAGMA {name}")
            found[name] = cursor.fetchone()[0]
    embedded.close()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.django_db
def test_the_migrations_say_what_the_models_say() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
