"""A home keeps itself up to date, and two commands at once do not trip over each other."""

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from django.db import connection

from eclectyc.kernel.errors import EclectycError
from eclectyc.operations import home as the_home
from tests import needs
from tests.serving import Installation, plain_environment


def first_lines(installation: Installation) -> str:
    return installation.run("user", "list").stdout


def test_a_fresh_home_is_made_by_whichever_command_comes_first(bare_installation: Installation):
    installation = bare_installation
    if needs.on_postgresql():
        refused = installation.run("user", "add", "a@example.org")
        assert refused.returncode == 2
        assert "Run eclectyc migrate." in refused.stderr
        installation.run("migrate")
    done = installation.run("user", "add", "a@example.org", "--role", "admin")
    assert done.returncode == 0, done.stderr
    assert "as admin of My organisation" in done.stderr
    assert oct(installation.home.stat().st_mode & 0o777) == "0o700"
    assert oct((installation.home / "secret_key").stat().st_mode & 0o777) == "0o600"


def test_first_commands_at_once_make_one_home(bare_installation: Installation):
    installation = bare_installation
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: installation.run("migrate"), range(4)))
    assert [d.returncode for d in done] == [0] * 4, [d.stderr for d in done]
    people = installation.json("user", "list")
    assert people == {"users": [], "count": 0}
    added = installation.run("user", "add", "a@example.org")  # there is one organisation, or this would ask which
    assert added.returncode == 0, added.stderr


def test_an_older_home_is_brought_up_to_date_with_what_it_holds(installation: Installation):
    installation.run("migrate")
    installation.run("user", "add", "a@example.org")
    installation.run("manage", "migrate", "intake", "zero", "--verbosity", "0")
    installation.run("migrate")
    assert installation.run("batches").returncode == 0
    assert "a@example.org" in first_lines(installation)


@pytest.mark.django_db(transaction=True)
def test_a_home_written_by_a_newer_version_is_refused(home):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('estate', '9999_later', '2030-01-01')"
        )
    try:
        with pytest.raises(EclectycError, match="written by a newer Eclectyc: it has estate 9999_later"):
            the_home.missing_migrations()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE name = '9999_later'")


def test_an_unfinished_restore_stops_every_command(installation: Installation):
    installation.run("migrate")
    (installation.home / the_home.RESTORING).write_text("/somewhere\n")
    done = installation.run("user", "list")
    assert done.returncode == 2
    assert "A restore into this home was interrupted" in done.stderr


@pytest.mark.django_db
def test_who_holds_the_home_alone_keeps_others_out(home, installation: Installation):
    with the_home.alone_in_home():
        done = installation.run("migrate", ECLECTYC_HOME=str(home))
    assert done.returncode == 2
    assert "A restore into this home is running" in done.stderr


@pytest.mark.django_db
def test_a_home_in_use_is_not_held_alone(home):
    import fcntl

    (home / "locks").mkdir()
    with (home / "locks" / "in-use").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        with pytest.raises(EclectycError, match="Another Eclectyc process is using"), the_home.alone_in_home():
            pytest.fail("two had it")


def test_the_embedded_registry_lets_readers_read_while_others_write(tmp_path):
    installation = Installation(tmp_path / "home", plain_environment(tmp_path / "home"))
    installation.run("migrate")
    copy = installation.home / "copy.sqlite3"
    shutil.copy(installation.home / "eclectyc.sqlite3", copy)
    with closing(sqlite3.connect(copy)) as registry:
        assert registry.execute("PRAGMA journal_mode").fetchone() == ("wal",)
