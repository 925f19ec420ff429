"""What the other tests stand on, tried once by itself."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from eclectyc.accounts.models import User
from tests import needs
from tests.cluster import Cluster
from tests.factories import World
from tests.registry import FILLED_BY_DJANGO, empty
from tests.serving import Installation, Served


@pytest.mark.django_db
def test_each_test_has_a_home_of_its_own_and_people_who_can_sign_in(world: World, home: Path, client: Client) -> None:
    assert Path(settings.LAKE_URL).parent == settings.HOME == home
    assert client.login(username=world.viewer.email, password=world.password)


@pytest.mark.django_db
def test_the_database_is_the_one_asked_for() -> None:
    assert connection.vendor == ("postgresql" if needs.on_postgresql() else "sqlite")


@pytest.mark.django_db(transaction=True)
def test_threads_share_the_database(world: World) -> None:
    seen: list[int] = []

    def look() -> None:
        seen.append(User.objects.count())
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [4]


@pytest.mark.django_db(transaction=True)
def test_what_a_test_with_real_transactions_leaves_is_taken_away(world: World) -> None:
    from django.contrib.contenttypes.models import ContentType
    from django.core.management.sql import emit_post_migrate_signal

    kinds = set(ContentType.objects.values_list("app_label", "model"))
    empty()
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with connection.cursor() as cursor:
        for table in set(tables) - FILLED_BY_DJANGO:
            cursor.execute(f"SELECT 1 FROM {connection.ops.quote_name(table)}")
            assert cursor.fetchall() == [], table
    emit_post_migrate_signal(0, False, "default")
    assert kinds == set(ContentType.objects.values_list("app_label", "model"))


def test_the_served_application_is_the_tests_own(served: Served, world: World) -> None:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(f"{served.url}/nothing-here")
    assert refusal.value.code == 404
    refusal.value.close()


def test_a_command_runs_over_an_installation_of_its_own(installation: Installation) -> None:
    assert installation.run("--version").returncode == 0


@pytest.mark.chromium
def test_the_browser_opens_a_page_of_the_application(served: Served, page: Any) -> None:
    page.goto(f"{served.url}/login")
    assert page.title()


@pytest.mark.postgresql
def test_postgresql_gives_an_empty_database(postgresql: Cluster) -> None:
    assert postgresql.new_database().startswith("postgresql://")


@pytest.mark.parametrize("workers", [0, 1])
def test_what_is_not_run_is_named_also_where_others_run_the_tests(workers: int) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "browser", "-n", str(workers)]
    environment = os.environ | {"ECLECTYC_CHROMIUM": "/nowhere", "ECLECTYC_REQUIRE_ALL": ""}
    ran = subprocess.run([*command, __file__], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, ran.stdout
    assert f"{needs.REMEDIES['chromium']}: 1 tests were not run." in ran.stdout
