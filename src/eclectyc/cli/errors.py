"""Errors of a command: one line with reason and remedy."""

from __future__ import annotations

import json
import os
import sys
import traceback

from eclectyc.kernel.errors import EclectycError


def tell(error: Exception, *, as_json: bool) -> int:
    """Print an error on standard error (and as JSON if requested) and return the exit code."""
    from eclectyc.cli import NOT_DONE, OUR_FAULT

    known = known_error(error)
    if known is None:
        if os.environ.get("ECLECTYC_DEBUG"):
            traceback.print_exception(error)
        else:
            traceback.print_exception(error, limit=-3)
        reason = f"Internal error: {type(error).__name__}: {error}"
        known = EclectycError(reason, "Please report it with the lines above.")
    if as_json:
        print_error(known, known.code)
    print(f"eclectyc: {' '.join(str(known).split())}", file=sys.stderr)
    return OUR_FAULT if known.reason.startswith("Internal error") else NOT_DONE


def print_error(error: EclectycError, code: str) -> None:
    """Print the one JSON object of ``--json`` for an error."""
    body = {"code": code, "message": error.reason, "remedy": error.remedy, "field": error.field}
    print(json.dumps({"error": body}, ensure_ascii=False))


def known_error(error: Exception) -> EclectycError | None:
    """Return an error that a person can fix: ours, or one of the database or disk in our words."""
    if isinstance(error, EclectycError):
        return error
    if isinstance(error, OSError) and not isinstance(error, ConnectionError):
        name = f" ({error.filename})" if error.filename else ""
        return EclectycError(f"{error.strerror or error}{name}.", "Check the path, its permissions and free space.")
    if "django.db" not in sys.modules:
        return None
    from django.db.utils import OperationalError, ProgrammingError

    if isinstance(error, OperationalError):
        return EclectycError(f"The database does not answer: {_first_line(error)}.", "Check DATABASE_URL and the disk.")
    if isinstance(error, ProgrammingError) and "does not exist" in str(error):
        return EclectycError(f"The database is not ready: {_first_line(error)}.", "Run eclectyc migrate.")
    return None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
