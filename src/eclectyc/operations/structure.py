"""Structure and deployment: faults of an installation that still runs."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.utils import timezone

from eclectyc.kernel.plurals import counted


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault: where, what, and its remedy."""

    area: str
    problem: str
    remedy: str


def check_structure() -> list[Finding]:
    """Check settings, home, registry and lake; return the faults."""
    findings = [*_django(), *_home()]
    registry = list(_registry())
    return findings + registry + ([] if registry else [*_keys(), *_lake()])


def _django() -> Iterator[Finding]:
    """Run Django's checks, with those of deployment if HTTPS is used."""
    from django.core.checks import WARNING, run_checks

    for message in run_checks(include_deployment_checks=settings.CONFIGURATION.https):
        if message.level >= WARNING and not message.is_silenced():
            yield Finding("settings", f"{message.msg.splitlines()[0]} ({message.id})", message.hint or "")


def _home() -> Iterator[Finding]:
    if settings.DEBUG:
        yield Finding("settings", "Debugging is switched on.", "Unset ECLECTYC_DEBUG.")
    if "*" in settings.ALLOWED_HOSTS:
        yield Finding("settings", "ALLOWED_HOSTS accepts every host name.", "List the host names in use.")
    if stat.S_IMODE(settings.HOME.stat().st_mode) & 0o077:
        yield Finding("home", f"Others can look into {settings.HOME}.", "Set its mode to 0700.")
    for name in ("secret_key", ".env"):
        path = settings.HOME / name
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield Finding("home", f"Others can read {path}.", "Set its mode to 0600.")


def _registry() -> Iterator[Finding]:
    from django.db.migrations.autodetector import MigrationAutodetector
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.state import ProjectState

    from eclectyc.operations.home import missing_migrations

    if missing := missing_migrations():
        yield Finding("registry", f"Not applied: {counted(len(missing), 'migration')}.", "Run eclectyc migrate.")
        return
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA quick_check")
            if (answer := cursor.fetchone()[0]) != "ok":
                yield Finding("registry", f"The SQLite file is damaged: {answer}.", "Restore a backup.")
            cursor.execute("PRAGMA foreign_key_check")
            if broken := cursor.fetchall():
                yield Finding("registry", f"Refer to missing rows: {counted(len(broken), 'row')}.", "Restore a backup.")
    loader = MigrationLoader(None)
    from django.apps import apps

    changes = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps)).changes(graph=loader.graph)
    for label in changes:
        yield Finding("registry", f"The models of {label} have changed since its last migration.", "Report this.")


def _keys() -> Iterator[Finding]:
    """Check that the home has the keys of what is sealed and encrypted in the registry."""
    from eclectyc.audit import seal_lag
    from eclectyc.vault import key_check

    for area, fault in (("audit", seal_lag.key_fault()), ("vault", key_check.key_fault(settings.HOME, deep=True))):
        if fault is not None:
            yield Finding(area, fault.reason, fault.remedy)


def _lake() -> Iterator[Finding]:
    """Check that registry and lake agree."""
    from eclectyc.batches.health import lake
    from eclectyc.estate.models import Series
    from eclectyc.kernel.health import HEALTHY

    verdict = lake(now=timezone.now(), deep=True)
    if verdict.status != HEALTHY:
        yield Finding("lake", verdict.message, "")
    from eclectyc.lake.store import connect

    known = set(Series.objects.values_list("pk", flat=True))
    strange = set(connect().span(None)["series"].to_list()) - known
    if strange:
        yield Finding(
            "lake", f"Unknown to the registry: {len(strange)} series of the lake.", "Restore both from one backup."
        )
