"""Copies of the registry: consistent at one instant, taken while others write.

SQLite is copied by its own backup. PostgreSQL's tables are streamed with COPY out of one snapshot and back into
a schema migrated to the same state: no ``pg_dump`` of a fitting version has to be found.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.db import connection

from eclectyc.kernel.errors import EclectycError

if TYPE_CHECKING:
    import psycopg

SQLITE_FILE: Final = "registry.sqlite3"
TABLES: Final = "registry"
_CHUNK: Final = 1 << 20

Copy = Callable[[Path], None]


@contextmanager
def held_registry() -> Iterator[Copy]:
    """Pin the registry's present state; the yielded function writes it into a folder, possibly later."""
    if connection.vendor == "sqlite":
        with _held_sqlite() as copy:
            yield copy
    else:
        with _held_postgresql() as copy:
            yield copy


@contextmanager
def _held_sqlite() -> Iterator[Copy]:
    """Pin SQLite: an open read transaction keeps its view of the database (WAL)."""
    source = sqlite3.connect(str(connection.settings_dict["NAME"]), isolation_level=None)
    try:
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM django_migrations").fetchone()
        yield lambda folder: _copy_sqlite(source, folder / SQLITE_FILE)
    finally:
        source.close()


def _copy_sqlite(source: sqlite3.Connection, target: Path) -> None:
    copy = sqlite3.connect(str(target))
    try:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        problem = copy.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        copy.close()
    if problem != "ok":
        raise EclectycError(f"The registry's copy is damaged: {problem}.", "Check the registry with eclectyc check.")
    with target.open("rb") as file:
        os.fsync(file.fileno())


@contextmanager
def _held_postgresql() -> Iterator[Copy]:
    import psycopg

    parameters = connection.get_connection_params()
    parameters.pop("cursor_factory", None)
    parameters.pop("context", None)
    with psycopg.connect(**parameters) as session:
        session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        session.read_only = True
        session.execute("SELECT count(*) FROM django_migrations")  # the snapshot is of this moment
        yield lambda folder: _copy_tables(session, folder / TABLES)
        session.rollback()


def _copy_tables(session: psycopg.Connection, folder: Path) -> None:
    from psycopg import sql

    folder.mkdir()
    for table, columns in _tables(session).items():
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        query = sql.SQL("COPY {} ({}) TO STDOUT").format(sql.Identifier(table), names)
        with (folder / f"{table}.copy").open("wb") as file, session.cursor() as cursor, cursor.copy(query) as rows:
            file.write(("\t".join(columns) + "\n").encode())
            for part in rows:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())


def _tables(session: psycopg.Connection) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    query = """SELECT table_name, column_name FROM information_schema.columns JOIN information_schema.tables
        USING (table_schema, table_name) WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'
        ORDER BY table_name, ordinal_position"""
    for table, column in session.execute(query):
        found.setdefault(table, []).append(column)
    return found


def replace_sqlite(source: Path) -> None:
    """Replace the registry by a copy. No process may be using it."""
    target = Path(str(connection.settings_dict["NAME"]))
    connection.close()
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{target.name}.restoring")
    with fresh.open("wb") as out, source.open("rb") as copy:
        while part := copy.read(_CHUNK):
            out.write(part)
        out.flush()
        os.fsync(out.fileno())
    for suffix in ("-wal", "-shm"):
        target.with_name(target.name + suffix).unlink(missing_ok=True)
    fresh.replace(target)


def replace_tables(folder: Path, migrations: set[tuple[str, str]]) -> None:
    """Replace the registry's tables by copied ones, in a schema with exactly these migrations."""
    from django.db import transaction

    _drop_everything()
    _migrate_to(migrations)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        files = sorted(folder.glob("*.copy"))
        names = ", ".join(connection.ops.quote_name(file.stem) for file in files)
        cursor.execute(f"TRUNCATE {names} CASCADE")
        for file in files:
            _load(cursor, file)
        for statement in _sequence_resets():
            cursor.execute(statement)


def _drop_everything() -> None:
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(table)} CASCADE")


def _migrate_to(migrations: set[tuple[str, str]]) -> None:
    """Migrate an empty schema to exactly these migrations."""
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    wanted = {key for key in migrations if key in executor.loader.graph.nodes}
    last = {
        key
        for key in wanted
        if not any(
            child.key in wanted and child.key[0] == key[0] for child in executor.loader.graph.node_map[key].children
        )
    }
    executor.migrate(sorted(last))


def _load(cursor: object, file: Path) -> None:
    from psycopg import sql

    with file.open("rb") as content:
        columns = content.readline().decode().rstrip("\n").split("\t")
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        query = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(file.stem), names)
        with cursor.copy(query) as rows:  # type: ignore[attr-defined]
            while part := content.read(_CHUNK):
                rows.write(part)


def _sequence_resets() -> list[str]:
    """Return statements that continue each identity after the loaded rows."""
    from django.core.management.color import no_style

    models = connection.introspection.installed_models(connection.introspection.table_names())
    return connection.ops.sequence_reset_sql(no_style(), list(models))
