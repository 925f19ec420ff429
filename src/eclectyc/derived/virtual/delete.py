"""Delete a virtual meter: first its readings from the lake, then the meter from the registry."""

from __future__ import annotations

from typing import Final

import polars as pl
from django.db import transaction

from eclectyc.accounts.actor import Actor
from eclectyc.batches.lifecycle import begin, committing, record_result, writers_turn
from eclectyc.batches.models import Batch
from eclectyc.derived import invalidation
from eclectyc.derived.spans import EVER
from eclectyc.derived.virtual.invalidation import NAME
from eclectyc.estate.meters import delete_meter, refuse_deletion
from eclectyc.estate.models import Meter
from eclectyc.kernel.failpoints import failpoint
from eclectyc.lake.lease import Lease
from eclectyc.lake.store import connect
from eclectyc.lake.write import WriteResult

WAIT_S: Final = 20.0  # a person waits for the page


def delete_virtual_meter(actor: Actor, *, meter: Meter, version: int | None = None, wait_s: float = WAIT_S) -> None:
    """Delete a virtual meter with its readings; refused if another formula uses it.

    Raises ``Busy`` if the writers' turn does not come within ``wait_s``.

    If the process is killed halfway, the meter stays and is recalculated.
    """
    with transaction.atomic():
        refuse_deletion(actor, meter, version)
        has_series = meter.series.exists()
    if not has_series:
        _remove(actor, meter, version)
        return
    with writers_turn(f"delete {meter.identifier}"[:60], wait_s=wait_s) as lease:  # nothing recalculates it meanwhile
        series = list(meter.series.values_list("pk", flat=True))
        if not connect().span(series).is_empty():
            _empty(actor, meter, series, lease)
        failpoint("virtual.emptied")
        _remove(actor, meter, version)


def _remove(actor: Actor, meter: Meter, version: int | None) -> None:
    with transaction.atomic():
        meter.series.all().delete()
        delete_meter(actor, meter=meter, version=version)


def _empty(actor: Actor, meter: Meter, series: list[int], lease: Lease) -> None:
    """Remove all days of some series from the lake, as one batch."""
    with transaction.atomic():
        batch = begin(
            actor,
            lease,
            organisation=meter.organisation,
            kind=Batch.DERIVED,
            format=NAME,
            file_name=f"{meter.identifier} deleted",
        )
        invalidation.mark_stale(NAME, [(meter.pk, *EVER)])  # deleted with the meter
    spans = pl.DataFrame({"series": pl.Series(series, dtype=pl.Int32), "start": EVER[0], "end": EVER[1]})
    store = connect()

    def before_commit(result: WriteResult) -> None:
        record_result(batch, touched=result.touched, report={"removed": result.removed}, changed=result.changed)

    with committing(batch, store, lease):
        store.replace_spans([], spans=spans, earlier=None, lease=lease, batch=batch.pk, before_commit=before_commit)
