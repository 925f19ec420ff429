"""What becomes of pushes when the batch that stores them ends."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from eclectyc.batches.subscribers import BatchSubscriber
from eclectyc.intake.push.models import Push

if TYPE_CHECKING:
    from eclectyc.batches.models import Batch


class BatchPushes(BatchSubscriber):
    """Pushes are marked with their batch when it begins, and deleted when it is done."""

    def on_done(self, batch: Batch) -> None:
        batch.pushes.all().delete()

    def on_failed(self, batch: Batch) -> None:
        batch.pushes.update(batch=None)  # they wait for the next batch

    def series_in_use(self, series: Collection[int]) -> set[int]:
        return set(Push.objects.filter(series__in=series).order_by().values_list("series", flat=True))


SUBSCRIBER: Final = BatchPushes()
