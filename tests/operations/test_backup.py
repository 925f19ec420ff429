"""Backup and restore, rehearsed on another folder: the same totals, whatever went on meanwhile."""

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import forked
from tests.cluster import Cluster
from tests.forked import Forked
from tests.scratch import once
from tests.serving import Installation, plain_environment

# Imports without a file: batch after batch through the lake's own door, until told to stop.
WRITER = """
import sys, time
from datetime import date, timedelta
from pathlib import Path
from eclectyc.cli.session import ready
ready()
import numpy as np, polars as pl
from eclectyc.accounts.models import Organisation
from eclectyc.estate.models import Meter, Series, Site
from eclectyc.batches.models import Batch
from eclectyc.lake.lease import writer_lease
from eclectyc.lake.store import connect
owner = Organisation.objects.get()
site, _ = Site.objects.get_or_create(organisation=owner, name="Works")
meter, _ = Meter.objects.get_or_create(organisation=owner, site=site, identifier="M1")
series, _ = Series.objects.get_or_create(meter=meter)
count = int(sys.argv[1])
for number in range(count):
    frame = pl.DataFrame({"series": [series.pk], "day": [date(2025, 1, 1) + timedelta(days=number)], "step": [30],
                          "values": [np.full(48, 0.1 * number + 1).tolist()], "quality": [[1] * 48]})
    with writer_lease("test") as lease:
        batch = Batch.objects.create(organisation=owner, fence=lease.fence)
        added = connect().write([frame], lease=lease, batch=batch.pk).added
    Batch.objects.filter(pk=batch.pk).update(state=Batch.DONE, added=added)
    print(number, flush=True)
    if len(sys.argv) > 2 and Path(sys.argv[2]).exists():
        break
"""

# What an installation holds, told by itself: the lake's sums and the registry's.
TOTALS = """
import json
from datetime import date
from eclectyc.cli.session import ready
ready()
from eclectyc.batches.models import Batch
from eclectyc.lake.store import connect
days = connect().days(None, date(2025, 1, 1), date(2040, 1, 1))
done = Batch.objects.filter(state=Batch.DONE)
print(json.dumps({
    "kwh": round(days["total"].sum(), 6), "readings": int(days["present"].sum()), "last_batch": connect().last_batch(),
    "batches": sorted(days["batch"].unique().to_list()), "done": sorted(done.values_list("pk", flat=True)),
    "all": sorted(Batch.objects.values_list("pk", flat=True)), "added": sum(done.values_list("added", flat=True)),
}))
"""


@contextmanager
def writing(installation: Installation, count: int, stop: Path | None = None) -> Iterator[Forked]:
    """Have imports go on meanwhile; the first is done when this begins, the last when it ends.

    With ``stop``, a file that is not there yet, they go on until this ends, at most ``count`` of them.
    """
    command = [sys.executable, "-c", WRITER, str(count), *([str(stop)] if stop else [])]
    with Forked(command, env=installation.environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "0\n"
        yield process
        if stop:
            stop.touch()
        process.communicate(timeout=60)
        assert process.returncode == 0


def write(installation: Installation, count: int) -> None:
    with writing(installation, count):
        pass


def totals(installation: Installation) -> dict[str, Any]:
    done = forked.run([sys.executable, "-c", TOTALS], env=installation.environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def prepared(run_folder: Path, migrated_home: Path) -> Path:
    """A home on SQLite with five imports done, made once."""

    def make(folder: Path) -> None:
        shutil.copytree(migrated_home, folder, dirs_exist_ok=True)
        write(Installation(folder, plain_environment(folder)), 5)

    return once(run_folder, "prepared", make)


@pytest.fixture
def busy(installation: Installation, prepared: Path) -> Installation:
    """An installation with five imports done."""
    if installation.environment.get("DATABASE_URL"):
        assert installation.run("migrate").returncode == 0
        write(installation, 5)
    else:
        shutil.copytree(prepared, installation.home, dirs_exist_ok=True)
    return installation


def another(tmp_path: Path, request: pytest.FixtureRequest, like: Installation, name: str = "another") -> Installation:
    """A fresh installation on another folder, on the same kind of database."""
    url = ""
    if like.environment.get("DATABASE_URL"):
        cluster: Cluster = request.getfixturevalue("postgresql")
        url = cluster.new_database()
    return Installation(tmp_path / name, plain_environment(tmp_path / name, url))


def test_a_restored_installation_has_identical_totals_and_goes_on_working(busy, tmp_path, request):
    busy.run("user", "add", "a@example.org", "--role", "admin")
    made = busy.json("backup", tmp_path / "backup")
    assert made["last_batch"] == 5
    write(busy, 7)  # what comes after the backup is not in it

    other = another(tmp_path, request, busy)
    done = other.run("restore", tmp_path / "backup")
    assert done.returncode == 0, done.stderr
    found = totals(other)
    expected = sum(48 * (0.1 * number + 1) for number in range(5))
    assert found["kwh"] == pytest.approx(expected)
    assert found["readings"] == found["added"] == 5 * 48
    assert found["batches"] == found["done"] == [1, 2, 3, 4, 5]
    assert "a@example.org" in other.run("user", "list").stdout
    assert "audit.key is missing" in other.run("check").stdout  # the keys are not part of a backup
    shutil.copyfile(busy.home / "audit.key", other.home / "audit.key")
    assert other.run("check").returncode == 0, other.run("check").stdout

    write(other, 6)  # numbers and the lease go on where the backup was
    assert totals(other)["last_batch"] > 5
    assert totals(other)["readings"] == 6 * 48


def test_a_backup_taken_while_imports_run_is_consistent(busy, tmp_path, request):
    with writing(busy, 5000, stop=tmp_path / "stop") as writer:
        made = busy.json("backup", tmp_path / "backup")
        assert writer.poll() is None

    other = another(tmp_path, request, busy)
    assert other.run("restore", tmp_path / "backup").returncode == 0
    found = totals(other)
    # Nothing done that the lake lacks, nothing in the lake that the registry does not know.
    assert set(found["batches"]) <= set(found["all"])
    assert max(found["done"]) <= found["last_batch"] == made["last_batch"] <= max(found["all"])
    assert found["added"] <= found["readings"] <= found["added"] + 48
    assert found["readings"] < totals(busy)["readings"]


def test_a_home_that_holds_something_is_replaced_only_by_force_and_kept_aside(busy, tmp_path):
    busy.run("backup", tmp_path / "backup")
    before = totals(busy)
    write(busy, 7)
    after = totals(busy)
    refused = busy.run("restore", tmp_path / "backup")
    assert refused.returncode == 2
    assert "is not empty" in refused.stderr
    assert totals(busy) == after
    done = busy.run("restore", tmp_path / "backup", "--force")
    assert done.returncode == 0, done.stderr
    assert totals(busy) == before
    assert len(list(busy.home.glob("replaced-*/lake/_delta_log/*.json"))) > 5


def test_a_damaged_backup_is_refused_and_nothing_is_touched(busy, tmp_path, request):
    busy.run("backup", tmp_path / "backup")
    file = next((tmp_path / "backup" / "lake").rglob("*.parquet"))
    whole = file.read_bytes()
    middle = len(whole) // 2
    other = another(tmp_path, request, busy)
    for harmed in (whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :], whole[:-1], None):
        file.unlink() if harmed is None else file.write_bytes(harmed)
        done = other.run("restore", tmp_path / "backup")
        assert done.returncode == 2
        assert file.name in done.stderr
    (tmp_path / "backup" / "manifest.json").unlink()
    assert "it has no manifest.json" in other.run("restore", tmp_path / "backup").stderr
    assert not (other.home / "lake").exists()


@pytest.mark.parametrize("point", ["restore.emptied", "restore.between", "restore.copied"])
def test_a_restore_that_is_cut_off_stops_every_command_until_it_is_run_again(busy, tmp_path, request, point):
    busy.run("backup", tmp_path / "backup")
    other = another(tmp_path, request, busy)
    assert other.run("restore", tmp_path / "backup", ECLECTYC_FAILPOINT=point).returncode == -9
    stopped = other.run("user", "list")
    assert stopped.returncode == 2
    assert "interrupted" in stopped.stderr
    again = other.run("restore", tmp_path / "backup")
    assert again.returncode == 0, again.stderr
    assert totals(other) == totals(busy)


@pytest.mark.parametrize("point", ["backup.held", "backup.before_manifest"])
def test_a_backup_that_is_cut_off_is_no_backup_and_holds_nobody_up(busy, tmp_path, point):
    assert busy.run("backup", tmp_path / "backup", ECLECTYC_FAILPOINT=point).returncode == -9
    started = time.monotonic()
    write(busy, 6)
    assert time.monotonic() - started < 15  # the dead holder's lease is taken over at once
    done = busy.run("restore", tmp_path / "backup", "--force")
    assert done.returncode == 2
    assert "not a complete backup" in done.stderr


def test_a_restore_waits_for_nobody_who_uses_the_home(busy, tmp_path):
    busy.run("backup", tmp_path / "backup")
    with writing(busy, 60):
        refused = busy.run("restore", tmp_path / "backup", "--force")
    assert refused.returncode == 2
    assert "Another Eclectyc process is using" in refused.stderr


def test_an_installation_without_readings_is_backed_up_too(installation, tmp_path, request):
    installation.run("migrate")
    installation.run("user", "add", "a@example.org")
    assert installation.run("backup", tmp_path / "backup").returncode == 0
    other = another(tmp_path, request, installation)
    assert other.run("restore", tmp_path / "backup").returncode == 0
    assert "a@example.org" in other.run("user", "list").stdout


def test_a_backup_of_a_newer_version_is_refused(busy, tmp_path, request):
    busy.run("backup", tmp_path / "backup")
    facts = json.loads((tmp_path / "backup" / "manifest.json").read_text())
    facts["migrations"].append(["estate", "9999_later"])
    (tmp_path / "backup" / "manifest.json").write_text(json.dumps(facts))
    refused = another(tmp_path, request, busy).run("restore", tmp_path / "backup")
    assert refused.returncode == 2
    assert "Install that version or a later one" in refused.stderr


@pytest.mark.postgresql
def test_a_postgresql_registry_is_streamed_out_and_back(tmp_path, postgresql, request):
    first = Installation(tmp_path / "first", plain_environment(tmp_path / "first", postgresql.new_database()))
    assert first.run("migrate").returncode == 0
    write(first, 5)
    awkward = 'A back\\slash, a \\t that is no tab, "quotes" and ünï'
    first.run("user", "add", "a@example.org", "--name", awkward, "--role", "admin")
    assert first.run("backup", tmp_path / "backup").returncode == 0
    second = another(tmp_path, request, first)
    done = second.run("restore", tmp_path / "backup")
    assert done.returncode == 0, done.stderr
    assert totals(second) == totals(first)
    assert second.json("user", "list")["users"][0]["name"] == awkward
    write(second, 6)  # identities count on
    assert totals(second)["last_batch"] == 11
    replaced = second.run("restore", tmp_path / "backup", "--force")
    assert replaced.returncode == 0, replaced.stderr
    assert totals(second) == totals(first)


def test_a_backup_is_not_restored_into_another_kind_of_database(tmp_path, busy):
    busy.run("backup", tmp_path / "backup")
    facts = json.loads((tmp_path / "backup" / "manifest.json").read_text())
    facts["registry"] = "sqlite" if facts["registry"] == "postgresql" else "postgresql"
    (tmp_path / "backup" / "manifest.json").write_text(json.dumps(facts))
    refused = busy.run("restore", tmp_path / "backup", "--force")
    assert refused.returncode == 2
    assert "Set DATABASE_URL to a database of that kind" in refused.stderr


def test_a_backup_is_whole_files_and_names_no_secret(prepared, tmp_path):
    home = shutil.copytree(prepared, tmp_path / "home")
    small = Installation(home, plain_environment(home))
    small.run("backup", tmp_path / "backup")
    with closing(sqlite3.connect(tmp_path / "backup" / "registry.sqlite3")) as copy:
        assert copy.execute("SELECT count(*) FROM intake_batch").fetchone() == (5,)
    names = {path.name for path in (tmp_path / "backup").rglob("*")}
    assert not {"secret_key", ".env"} & names
    assert oct((tmp_path / "backup").stat().st_mode & 0o777) == "0o700"
