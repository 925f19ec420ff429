"""Readings as answers: JSON straight from the frame (a model per row would cost a hundred times as much), CSV as a
stream of calendar years."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from itertools import chain
from typing import Final

import polars as pl
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from eclectyc.analytics.periods import By, Window
from eclectyc.analytics.readings import MeteringPoint, readings_in_parts, readings_of
from eclectyc.batches.own_lake import require_own_lake
from eclectyc.estate.models import Meter
from eclectyc.kernel.days import WHOLE_DAY
from eclectyc.kernel.errors import Invalid

MOST_JSON_ROWS: Final = 200_000  # eleven years of half-hours, about 30 MB
MOST_CSV_ROWS: Final = 5_000_000
_STAMP = "%Y-%m-%dT%H:%M:%S%:z"
_COLUMNS: Final = ("start", "end", "value", "present", "expected", "estimated")
_DIGITS = 9  # of a sum: further digits are rounding noise


def prefers_csv(request: HttpRequest) -> bool:
    """Return whether the request prefers CSV to JSON."""
    return request.get_preferred_type(["application/json", "text/csv"]) == "text/csv"


def check_size(window: Window | None, by: By, step: int, *, wants_csv: bool) -> None:
    """Raise ``Invalid`` if the answer would be unreasonably long."""
    if window is None:
        return
    days = len(window.days)
    rows = {"slot": days * (WHOLE_DAY // step), "hour": days * 24}.get(by, days)
    most = MOST_CSV_ROWS if wants_csv else MOST_JSON_ROWS
    if rows > most:
        remedy = "Request a shorter period" if wants_csv else "Request a shorter period, or text/csv"
        raise Invalid(f"That is about {rows:,} rows; {most:,} are the most.", f"{remedy}.", field="to")


def as_json(
    meter: Meter,
    point: MeteringPoint,
    window: Window | None,
    by: By,
    *,
    quantity: str,
    start: date | datetime | None,
    end: date | datetime | None,
) -> HttpResponse:
    """Return the readings as one JSON object."""
    head = {
        "meter": meter.identifier,
        "quantity": quantity,
        "unit": point.unit,
        "timezone": point.zone.key,
        "by": by,
        "from": _echo(start, window.first_day if window else None, point),
        "to": _echo(end, window.end_day if window else None, point),
    }
    rows = "[]" if window is None else _written(readings_of(point, window, by).frame, by).write_json()
    body = f'{json.dumps(head)[:-1]}, "readings": {rows}}}'
    response = HttpResponse(body, content_type="application/json")
    response["Vary"] = "Accept"
    return response


def as_csv(meter: Meter, point: MeteringPoint, window: Window | None, by: By) -> HttpResponse:
    """Return the readings as a stream of CSV; a missing value is an empty cell."""
    require_own_lake()
    parts = _csv_parts(point, window, by)
    first = next(parts)  # errors are raised before the answer begins
    response = StreamingHttpResponse(chain([first], parts), content_type="text/csv; charset=utf-8")
    response["Vary"] = "Accept"
    name = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in meter.identifier)
    response["Content-Disposition"] = f'attachment; filename="{name}-{by}.csv"'
    return response  # type: ignore[return-value]


def _csv_parts(point: MeteringPoint, window: Window | None, by: By) -> Iterator[str]:
    head = ",".join(_COLUMNS) + "\n"
    if window is None:
        yield head
        return
    for readings in readings_in_parts(point, window, by):
        yield head + _written(readings.frame, by).write_csv(include_header=False)
        head = ""


def _written(frame: pl.DataFrame, by: By) -> pl.DataFrame:
    frame = frame.with_columns(pl.col("start", "end").dt.strftime(_STAMP))
    return frame if by == "slot" else frame.with_columns(pl.col("value").round(_DIGITS))


def _echo(asked: date | datetime | None, used: date | None, point: MeteringPoint) -> str | None:
    """Return an end of the window as requested: a date as a date, an instant in local time."""
    if isinstance(asked, datetime):
        return asked.astimezone(point.zone).isoformat()
    moment = asked or used
    return moment.isoformat() if moment else None
