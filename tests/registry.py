"""The registry's tables, made once in a run: every process of it copies them, which takes no time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests import needs
from tests.cluster import Cluster
from tests.scratch import once

PROGRAM: Final = Path(sys.executable).parent / "eclectyc"
MIGRATED: Final = "test_eclectyc"  # the database that the tests of a process use: tables, and nothing in them
FILLED_BY_DJANGO: Final = {"django_content_type", "auth_permission"}  # alike in every registry, and not used
INSTALLED: Final = "installed"  # a database as the first command leaves it, to make others from


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A folder that all processes of this run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if hasattr(request.config, "workerinput") else own


@pytest.fixture(scope="session")
def migrated_cluster(run_folder: Path) -> Path:
    """A stopped PostgreSQL server's files, with both databases in them."""
    return once(run_folder, "postgresql", _make_cluster)


@pytest.fixture(scope="session")
def migrated_registry(run_folder: Path) -> Path:
    """A home with nothing but the tables, on SQLite."""
    return once(run_folder, "registry", lambda folder: _run("manage", "migrate", home=folder))


@pytest.fixture(scope="session")
def migrated_home(run_folder: Path, migrated_registry: Path) -> Path:
    """A home as the first command leaves it, on SQLite."""

    def make(folder: Path) -> None:
        shutil.copytree(migrated_registry, folder, dirs_exist_ok=True)
        _run("migrate", home=folder)

    return once(run_folder, "home", make)


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest,
    django_test_environment: None,
    django_db_blocker: Any,
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    """This process's test database: a copy of what the first of them made, with any migration that it lacks."""
    from django.db import connection, connections
    from django.test import TransactionTestCase
    from django.test.utils import setup_databases

    if not needs.on_postgresql():
        made: Path = request.getfixturevalue("migrated_registry")
        shutil.copyfile(made / "eclectyc.sqlite3", connection.settings_dict["TEST"]["NAME"])
    with django_db_blocker.unblock():
        setup_databases(verbosity=0, interactive=False, keepdb=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _: empty())
        yield
    with django_db_blocker.unblock():
        connections.close_all()


def empty() -> None:
    """Take away every row that a test with real transactions has left, once nobody writes any more.

    Django would make its content types and permissions anew each time, which took longer than most of these tests.
    """
    from django.db import connection, transaction

    quoted = connection.ops.quote_name
    tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False))
    tables -= FILLED_BY_DJANGO
    looks = " UNION ALL ".join(f"SELECT '{t}' WHERE EXISTS (SELECT 1 FROM {quoted(t)})" for t in sorted(tables))
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # SQLite has one writer at a time
            cursor.execute(f"LOCK TABLE {', '.join(map(quoted, sorted(tables)))} IN EXCLUSIVE MODE")
        cursor.execute(looks)
        for (table,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {quoted(table)}")


def _make_cluster(folder: Path) -> None:
    cluster = Cluster.planned()
    cluster.start()
    _run("manage", "migrate", home=folder / "home", url=cluster.new_database(MIGRATED))
    _run("migrate", home=folder / "home", url=cluster.new_database(INSTALLED, template=MIGRATED))
    cluster.leave(folder)


def _run(*arguments: str, home: Path, url: str = "") -> None:
    environment = os.environ | {"ECLECTYC_HOME": str(home)}
    environment.pop("DATABASE_URL", None)
    environment |= {"DATABASE_URL": url} if url else {}
    subprocess.run([PROGRAM, *arguments], env=environment, check=True, capture_output=True)
