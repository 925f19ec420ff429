"""Load registers, reads, devices and multipliers from the registry as columns, and insert reads.

Reads come by the thousand: Django's model instances would take longer than the database does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import chain, islice
from typing import Any, Final, TypeVar

import numpy as np
from django.db import connection, models, transaction
from django.db.models import OuterRef, QuerySet, Subquery

from eclectyc.batches.models import Batch
from eclectyc.estate.models import Device, Meter, Multiplier
from eclectyc.kernel.days import midnight, zone_of
from eclectyc.kernel.units import conversion_for_meter
from eclectyc.registers.models import Register, RegisterRead, ResetWindow
from eclectyc.registers.reads import Reads
from eclectyc.registers.register_config import (
    END,
    START,
    DeviceSpan,
    Epoch,
    PointFacts,
    RegisterConfig,
    RegisterFacts,
    RegisterReset,
    serial_key,
)

N = TypeVar("N", int, str)
LIVE: Final = (Batch.DONE, Batch.COMMITTED)
PIECE: Final = 2000  # names in one query
ROWS: Final = 50_000  # in one transaction
TOGETHER: Final = 500  # rows of one statement: nearly twice as quick as one each (measured)
_MARGIN_S: Final = 26 * 3600  # a local day and its clock change
READ_COLUMNS: Final = ("register_id", "at_s", "value", "quality", "is_doubtful", "batch_id")


def load_points(meters: Sequence[int]) -> dict[int, PointFacts]:
    """Return some meters with their devices and multipliers, by number."""
    columns = ("pk", "identifier", "site__timezone", "step_minutes", "serial", "unit", "multiplier")
    found: dict[int, PointFacts] = {}
    for piece in pieces(meters):
        plain: dict[int, float] = {}
        for pk, identifier, zone, step, serial, unit, factor in Meter.objects.filter(pk__in=piece).values_list(
            *columns
        ):
            found[pk] = PointFacts(identifier, zone, step, serial_key(serial), unit)
            plain[pk] = float(factor)
        dated, devices = _dated(piece, found), _devices(piece, found)
        for pk, multiplier in plain.items():
            point = found[pk]
            point.devices = [span for span, _ in devices.get(pk, [])]
            ratios = [(span.since_s, ratio) for span, ratio in devices.get(pk, [])]
            point.epochs = _epochs(dated.get(pk) or [(START, multiplier)], ratios)
    return found


def _dated(meters: Sequence[int], points: Mapping[int, PointFacts]) -> dict[int, list[tuple[int, float]]]:
    """Return the multipliers of some meters in order: since when [s], and the factor."""
    found: dict[int, list[tuple[int, float]]] = {}
    rows = Multiplier.objects.filter(meter__in=meters).values_list("meter_id", "since", "factor")
    for pk, since, factor in rows:
        found.setdefault(pk, []).append((_at(since, points[pk].zone, START), float(factor)))
    return {pk: sorted(entries) for pk, entries in found.items()}


def _devices(meters: Sequence[int], points: Mapping[int, PointFacts]) -> dict[int, list[tuple[DeviceSpan, float]]]:
    """Return the devices of some meters in order, each with the ratio of its current transformers (1: none)."""
    found: dict[int, list[tuple[DeviceSpan, float]]] = {}
    for device in Device.objects.filter(meter__in=meters):
        zone = points[device.meter_id].zone
        ratio = device.ct_primary_a / device.ct_secondary_a if device.ct_primary_a and device.ct_secondary_a else 1.0
        span = DeviceSpan(
            serial_key(device.serial),
            _at(device.since, zone, START),
            _at(device.until, zone, END),
            _read(device.opening_read),
            _read(device.closing_read),
            device.digits,
        )
        found.setdefault(device.meter_id, []).append((span, ratio))
    return {pk: sorted(spans, key=lambda pair: pair[0].since_s) for pk, spans in found.items()}


def _epochs(multipliers: list[tuple[int, float]], ratios: list[tuple[int, float]]) -> list[Epoch]:
    """Return the factor from each moment on: the multiplier or, if that is 1, the ratio of the current transformers.

    A multiplier other than 1 already includes that ratio.
    """
    moments = sorted({START} | {since for since, _ in multipliers} | {since for since, _ in ratios})
    epochs: list[Epoch] = []
    for moment in moments:
        factor = next((f for since, f in reversed(multipliers) if since <= moment), multipliers[0][1])
        if factor == 1:
            factor = next((ratio for since, ratio in reversed(ratios) if since <= moment), 1.0)
        if not epochs or epochs[-1].factor != factor:
            epochs.append(Epoch(moment, factor))
    return epochs


def _at(day: date | None, zone: str, otherwise: int) -> int:
    return otherwise if day is None else int(midnight(day, zone_of(zone)).timestamp())


def _read(value: Any) -> float | None:
    return None if value is None else float(value)


def load_registers(meters: Sequence[int], points: Mapping[int, PointFacts]) -> list[tuple[int, RegisterFacts]]:
    """Return every register of some meters, each with its meter's number."""
    found: list[tuple[int, RegisterFacts]] = []
    for piece in pieces(meters):
        resets: dict[int, list[RegisterReset]] = {}
        for window in ResetWindow.objects.filter(register__meter__in=piece):
            span = RegisterReset(_s(window.since), _s(window.until), window.last_read, window.first_read)
            resets.setdefault(window.register_id, []).append(span)
        columns = ("meter_id", "pk", "quantity", "unit", "until", "serial", "code", "kind", "digits")
        rows = Register.objects.filter(meter__in=piece).order_by("pk")
        for meter, pk, quantity, unit, until, serial, code, kind, digits, tolerance_s, is_beside in rows.values_list(
            *columns, "tolerance_s", "is_beside"
        ):
            measured, factor = measured_in(unit, points[meter].unit)
            register = RegisterFacts(
                point=0,
                quantity=quantity,
                unit=unit,
                measured=measured,
                factor=factor,
                serial=serial,
                code=code,
                kind=kind,
                digits=digits,
                tolerance_s=tolerance_s,
                is_beside=is_beside,
                until_s=_at(until, points[meter].zone, END),
                resets=resets.get(pk, ()),
                pk=pk,
            )
            found.append((meter, register))
    return found


def _s(moment: datetime) -> int:
    return int(moment.timestamp())


@lru_cache(1024)
def measured_in(unit: str, own: str) -> tuple[str, float]:
    """Return the unit in which a display's use is stored for a meter of the unit ``own``, and the factor to it."""
    known = conversion_for_meter(unit, own)
    return known.unit, float(known.factor)


def reads_near(
    registers: Sequence[int], low_s: int, high_s: int, *, touched: Collection[int], without: int | None = None
) -> list[tuple]:
    """Return the reads of some registers that affect the time between two moments: rows of register, moment, value,
    quality, doubt and batch.

    These are the reads on all days from the touched registers' last reads before those moments to their first ones
    after, and of every register the last read before these days and the first one after. without : leaves out a batch.
    """
    live = RegisterRead.objects.filter(batch__state__in=LIVE)
    if without is not None:
        live = live.exclude(batch=without)
    ends = _next_to(live, list(touched), low_s, high_s)
    start = min([low_s, *(before for _, before, _ in ends if before is not None)]) - _MARGIN_S
    end = max([high_s, *(after for _, _, after in ends if after is not None)]) + _MARGIN_S
    rows = list(live.filter(register__in=registers, at_s__gte=start, at_s__lte=end).values_list(*READ_COLUMNS))
    outer = [at for _, *both in _next_to(live, registers, start, end) for at in both if at is not None]
    if outer:
        at_ends = live.filter(register__in=registers, at_s__in=set(outer)).exclude(at_s__gte=start, at_s__lte=end)
        rows += at_ends.values_list(*READ_COLUMNS)
    return rows


def _next_to(
    live: QuerySet[RegisterRead], registers: Sequence[int], low_s: int, high_s: int
) -> list[tuple[int, int | None, int | None]]:
    """Return for each register the moment of its last read before ``low_s`` and of its first after ``high_s``."""
    own = live.filter(register=OuterRef("pk")).values("at_s")
    before = Subquery(own.filter(at_s__lt=low_s).order_by("-at_s")[:1])
    after = Subquery(own.filter(at_s__gt=high_s).order_by("at_s")[:1])
    found = Register.objects.filter(pk__in=registers).order_by().annotate(before_s=before, after_s=after)
    return list(found.values_list("pk", "before_s", "after_s"))


def all_reads(registers: Sequence[int], *, without: int | None = None) -> list[tuple]:
    """Return every read of some registers, as :func:`reads_near` does."""
    live = RegisterRead.objects.filter(batch__state__in=LIVE, register__in=registers)
    return list((live if without is None else live.exclude(batch=without)).values_list(*READ_COLUMNS))


def reads_around(config: RegisterConfig, touched: Reads, *, leaving_out: int | None = None) -> Reads:
    """Return the stored reads that are needed to recalculate after some reads were touched.

    leaving_out : a batch whose reads no longer count.
    """
    number = {register.pk: n for n, register in enumerate(config.registers) if register.pk is not None}
    if not number or not len(touched):
        return Reads.none()
    low, high = np.full(len(config.registers), END), np.full(len(config.registers), START)
    np.minimum.at(low, touched.register, touched.at_s)
    np.maximum.at(high, touched.register, touched.at_s)
    of_point: dict[int, list[int]] = {}
    for pk, n in number.items():
        of_point.setdefault(config.registers[n].point, []).append(pk)
    rows: list[tuple] = []
    whole = [pk for point, own in of_point.items() if config.points[point].devices for pk in own]
    for piece in pieces(whole):
        rows += all_reads(piece, without=leaving_out)
    others = [own for point, own in of_point.items() if not config.points[point].devices]
    for piece in _of_whole_points(others):
        own = [pk for pk in piece if high[number[pk]] > START]
        at = [number[pk] for pk in own]
        if own:
            rows += reads_near(piece, int(low[at].min()), int(high[at].max()), touched=own, without=leaving_out)
    return as_reads(rows, number)


def _of_whole_points(points: list[list[int]]) -> Iterable[list[int]]:
    """Batch the registers of points for queries, those of one point always together."""
    piece: list[int] = []
    for own in points:
        if piece and len(piece) + len(own) > 2000:
            yield piece
            piece = []
        piece = piece + own
    if piece:
        yield piece


def as_reads(rows: Sequence[tuple], number: Mapping[int, int]) -> Reads:
    """Return rows as columns. number : each register's index. A withdrawal has no value."""
    if not rows:
        return Reads.none()
    register, at_s, value, quality, doubtful, batch = zip(*rows, strict=True)
    return Reads(
        np.array([number[pk] for pk in register], dtype=np.int64),
        np.array(at_s, dtype=np.int64),
        np.array([np.nan if one is None else one for one in value], dtype=np.float64),
        np.array(quality, dtype=np.int8),
        np.array(doubtful, dtype=bool),
        np.array(batch, dtype=np.int64),
    )


def insert(model: type[models.Model], columns: Mapping[str, Sequence[Any]]) -> None:
    """Insert rows given as columns of equal length, in short transactions.

    Booleans are given as 0 and 1: SQLite's driver is slow with every value that is not of a plain type.
    """
    count = len(next(iter(columns.values())))
    for at in range(0, count, ROWS):
        some = [values[at : at + ROWS] for values in columns.values()]
        with transaction.atomic():
            _insert(model, list(columns), some)


def _insert(model: type[models.Model], names: list[str], columns: list[Sequence[Any]]) -> None:
    table = connection.ops.quote_name(model._meta.db_table)
    known = {field.name: field.column for field in model._meta.concrete_fields}
    fields = ", ".join(connection.ops.quote_name(str(known[name])) for name in names)
    rows = zip(*columns, strict=True)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({fields}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        hole = f"({', '.join(['%s'] * len(names))})"
        count = len(columns[0])
        for size, statements in ((TOGETHER, count // TOGETHER), (1, count % TOGETHER)):
            flat = (list(chain.from_iterable(islice(rows, size))) for _ in range(statements))
            if statements:
                sql = f"INSERT INTO {table} ({fields}) VALUES {', '.join([hole] * size)}"  # noqa: S608 - our own names
                cursor.executemany(sql, flat)  # type: ignore[arg-type]  # an iterator is as good as a list


def pieces(names: Iterable[N], size: int = PIECE) -> Iterator[list[N]]:
    """Split numbers or names into lists that fit in a query."""
    every = list(names)
    for at in range(0, len(every), size):
        yield every[at : at + size]
