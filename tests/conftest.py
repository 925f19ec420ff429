"""What every test stands on: its own home, the standing characters, a database of either kind.

SQLite is the default; ``ECLECTYC_TEST_DATABASE=postgresql`` runs whatever touches the registry on PostgreSQL.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from tests import forked, needs, scratch
from tests.cluster import Cluster

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

    from tests.factories import World

scratch.use_memory()
ON_POSTGRESQL = needs.on_postgresql()
SCRATCH = Path(tempfile.mkdtemp(prefix="eclectyc-tests-"))
CLUSTER = Cluster.planned()
TOUCHES_REGISTRY = {"db", "transactional_db", "django_db_setup", "installation", "bare_installation", "postgresql"}
WAITS = {"installation", "bare_installation"}
FORMATS = Path(__file__).parent / "readers" / "formats"
NOT_RUN: pytest.StashKey[Counter[str]] = pytest.StashKey()
WENT_WELL: pytest.StashKey[bool] = pytest.StashKey()
OF_A_WORKER = "not_run"  # the same, on its way from a worker of xdist
LONGEST_ID = 80  # of a parameter in a test's name
CLEARED = ("DATABASE_URL", "SECRET_KEY", "ALLOWED_HOSTS", "ADMIN_EMAIL", "COLUMNS", "NO_COLOR", "FORCE_COLOR")

pytest_plugins = ["tests.registry", "tests.browsing", "tests.serving", "tests.objectstore"]


def _prepare_django() -> None:
    """Point the settings at a scratch home before anything loads them."""
    for name in list(os.environ):
        if name in CLEARED or name.startswith(("ECLECTYC_LAKE", "ECLECTYC_DASK", "ECLECTYC_FAIL", "AWS_")):
            del os.environ[name]
    os.environ["ECLECTYC_HOME"] = str(SCRATCH)
    os.environ["DJANGO_SETTINGS_MODULE"] = "eclectyc.settings"
    if ON_POSTGRESQL:
        os.environ["DATABASE_URL"] = CLUSTER.url("eclectyc")
    import django
    from django.conf import settings

    # A file, not memory: threads and other processes of a test share it.
    if not ON_POSTGRESQL:
        default: dict[str, Any] = settings.DATABASES["default"]
        default.setdefault("TEST", {})["NAME"] = str(SCRATCH / "test.sqlite3")
    django.setup()
    from django.contrib.auth.hashers import Argon2PasswordHasher as Hasher

    Hasher.time_cost, Hasher.memory_cost, Hasher.parallelism = 1, 8, 1  # slow by design, and hundreds of times here


_prepare_django()
hypothesis.settings.register_profile(
    "steady",  # the same examples on every run; "search" looks for new ones
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile("search", deadline=None, print_blob=True, max_examples=1000)
hypothesis.settings.load_profile(os.environ.get("ECLECTYC_HYPOTHESIS", "steady"))


def pytest_xdist_setupnodes() -> None:
    """Let each worker prepare Django by itself: with these it would be ready before it has a database of its own."""
    for name in ("DJANGO_SETTINGS_MODULE", "DATABASE_URL"):
        os.environ.pop(name, None)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name what is long, or no text, by its length: workers compare the names of millions of bytes, and of stamps."""
    if isinstance(val, bytes):
        return val.decode("ascii") if len(val) <= LONGEST_ID and val.isalnum() else f"{len(val)} bytes"
    return f"{len(val)} characters" if isinstance(val, str) and len(val) > LONGEST_ID else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this machine cannot run, unless all is required; put the rest into their order."""
    missing: Counter[str] = Counter()
    kept, left_out = [], []
    for item in items:
        lacks = [need for need in needs.REMEDIES if item.get_closest_marker(need) and not needs.found(need)]
        if lacks and not needs.all_required():
            missing.update(lacks)
            left_out.append(item)
        elif ON_POSTGRESQL and not _touches_registry(item):
            left_out.append(item)
        else:
            kept.append(item)
    config.stash[NOT_RUN] = missing
    if left_out:
        config.hook.pytest_deselected(items=left_out)
    items[:] = _in_order(kept)


def _in_order(items: list[pytest.Item]) -> list[pytest.Item]:
    """Have the browser's tests come last: Playwright keeps an event loop running in the main thread from the first of
    them on. Have those that mostly wait for other processes come between the files of the others, and not near the
    end, where the last of them would run alone."""
    last = [item for item in items if item.get_closest_marker("chromium")]
    waiting = [item for item in items if WAITS & set(getattr(item, "fixturenames", ()))]
    set_apart = {*last, *waiting}
    ordered = [item for item in items if item not in set_apart]
    files = [k for k in range(len(ordered) * 3 // 4) if k == 0 or ordered[k].path != ordered[k - 1].path] or [0]
    for number, item in reversed([*enumerate(waiting)]):
        ordered.insert(files[number * len(files) // len(waiting)], item)
    return ordered + last


def _touches_registry(item: pytest.Item) -> bool:
    """Say whether a test may go otherwise on another database. What a browser shows, and what a file of some format
    says, does not: SQLite's run shows these."""
    if item.get_closest_marker("chromium") or FORMATS in item.path.parents:
        return False
    fixtures = set(getattr(item, "fixturenames", ()))
    return item.get_closest_marker("django_db") is not None or bool(TOUCHES_REGISTRY & fixtures)


def pytest_collection_finish() -> None:
    """Leave what was loaded and collected, hundreds of thousands of objects, out of every search for garbage."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Have a worker of xdist tell what it left out: the process that writes the summary collects no tests."""
    session.config.stash[WENT_WELL] = exitstatus == 0
    told: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if told is not None:
        left_out: Counter[str] = session.config.stash.get(NOT_RUN, Counter())
        told[OF_A_WORKER] = dict(left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear it. Each worker collects the same tests, so that the counts of one are those of all."""
    told: dict[str, int] = getattr(node, "workeroutput", {}).get(OF_A_WORKER, {})
    heard = node.config.stash.setdefault(NOT_RUN, Counter())
    node.config.stash[NOT_RUN] = heard | Counter(told)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name what was not run, and how to get it."""
    missing = config.stash.get(NOT_RUN, Counter())
    lines = [f"{needs.REMEDIES[need]}: {count} tests were not run." for need, count in sorted(missing.items())]
    if not ON_POSTGRESQL and not needs.found("postgresql") and "postgresql" not in missing:
        lines.append(f"{needs.REMEDIES['postgresql']}: the suite was run on SQLite alone.")
    if lines:
        terminalreporter.section("not run on this machine")
        for line in lines:
            terminalreporter.write_line(line)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what this run made outside pytest's own folders; and these as well, where they are in memory and nothing
    failed."""
    forked.end()
    CLUSTER.stop()
    shutil.rmtree(SCRATCH, ignore_errors=True)
    if config.stash.get(WENT_WELL, False):
        scratch.clear()


@pytest.fixture(scope="session")
def postgresql(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A running PostgreSQL; ``new_database()`` gives the URL of an empty one."""
    if not needs.found("postgresql"):
        pytest.fail(needs.REMEDIES["postgresql"])
    CLUSTER.start(request.getfixturevalue("migrated_cluster") if ON_POSTGRESQL else None)
    yield CLUSTER
    if not ON_POSTGRESQL:
        CLUSTER.stop()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(request: pytest.FixtureRequest) -> None:
    """Have the server running before Django makes its test database."""
    if ON_POSTGRESQL:
        request.getfixturevalue("postgresql")


@pytest.fixture
def home(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of this test's own, with an empty lake; the settings and the environment point at it."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("ECLECTYC_HOME", str(folder))
    settings.HOME = folder
    settings.LAKE_URL = str(folder / "lake")
    return folder


@pytest.fixture(autouse=True)
def _own_home(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("django_db") or {"db", "transactional_db"} & set(request.fixturenames):
        request.getfixturevalue("home")


@pytest.fixture(autouse=True)
def _audit_of_a_transactional_test(request: pytest.FixtureRequest) -> Iterator[None]:
    """Take away what a test with real transactions wrote to the audit: its triggers would refuse the flush."""
    marker = request.node.get_closest_marker("django_db")
    is_transactional = (marker and marker.kwargs.get("transaction")) or "transactional_db" in request.fixturenames
    if is_transactional:
        request.getfixturevalue("transactional_db")  # so that it outlives this one
    yield
    if is_transactional:
        from django.db import connection, transaction

        from eclectyc.audit.sealed_chain import deletion_allowed

        with transaction.atomic(), deletion_allowed(), connection.cursor() as cursor:
            for table in ("audit_personal", "audit_seal", "audit_event"):
                cursor.execute(f"DELETE FROM {table}")


@pytest.fixture
def world(db: None, home: Path) -> World:
    """Two organisations, a viewer, a manager and an admin of the first, and the outsider of the other."""
    from tests.factories import make_world

    return make_world()
