"""Database triggers that keep events append-only, on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Final

from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_GUARDED: Final = ("audit_event", "audit_seal")
_MESSAGE: Final = "audit events are append-only"

_POSTGRESQL_FUNCTION: Final = """
CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger AS $$
BEGIN
  IF TG_OP = 'DELETE' AND EXISTS (SELECT 1 FROM audit_permit) THEN RETURN OLD; END IF;
  RAISE EXCEPTION 'audit events are append-only';
END $$ LANGUAGE plpgsql
"""


def guard(apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    """Create the triggers. The permit table has a row only within a transaction that applies a retention rule."""
    editor.execute("CREATE TABLE audit_permit (id integer PRIMARY KEY)")
    if editor.connection.vendor == "postgresql":
        editor.execute(_POSTGRESQL_FUNCTION)
    for table in _GUARDED:
        for statement in _statements(editor.connection.vendor, table):
            editor.execute(statement)


def unguard(apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    for table in _GUARDED:
        for deed in ("update", "delete"):
            of = f" ON {table}" if editor.connection.vendor == "postgresql" else ""
            editor.execute(f"DROP TRIGGER {table}_no_{deed}{of}")
    editor.execute("DROP TABLE audit_permit")


def _statements(vendor: str, table: str) -> list[str]:
    if vendor == "postgresql":
        return [
            f"CREATE TRIGGER {table}_no_{deed} BEFORE {deed.upper()} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION audit_refuse()"
            for deed in ("update", "delete")
        ]
    return [  # the table's name is one of ours
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} WHEN NOT EXISTS (SELECT 1 FROM audit_permit) "  # noqa: S608
        f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END",
    ]
