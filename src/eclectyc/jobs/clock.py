"""The clock shared by all workers: the database server's; with SQLite, this machine's."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.utils import timezone


def now() -> datetime | Combinable:
    """Return the current time as a query expression."""
    return Now() if connection.vendor == "postgresql" else timezone.now()


def later(span_s: float) -> datetime | Combinable:
    """Return the time some seconds from now as a query expression."""
    moment, span = now(), timedelta(seconds=span_s)
    return (
        moment + span
        if isinstance(moment, datetime)
        else ExpressionWrapper(moment + span, output_field=DateTimeField())
    )


def read() -> datetime:
    """Return the current time; one query on a server."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment
