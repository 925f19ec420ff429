"""The clock that all workers share: the database's where it is a server, else this machine's."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.utils import timezone


def now() -> datetime | Combinable:
    """Return this moment, as a query takes it."""
    return Now() if connection.vendor == "postgresql" else timezone.now()


def later(span_s: float) -> datetime | Combinable:
    """Return the moment some seconds from now, as a query takes it."""
    moment, span = now(), timedelta(seconds=span_s)
    return (
        moment + span
        if isinstance(moment, datetime)
        else ExpressionWrapper(moment + span, output_field=DateTimeField())
    )


def read() -> datetime:
    """Return this moment; one query on a server."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment
