"""What becomes of reads, deliveries and dips when their batch fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from eclectyc.batches.subscribers import BatchSubscriber
from eclectyc.registers.models import RegisterRead, TankEntry

if TYPE_CHECKING:
    from eclectyc.batches.models import Batch


class BatchReads(BatchSubscriber):
    """Reads and tank entries are stored with their batch, and count once it is done."""

    def on_failed(self, batch: Batch) -> None:
        RegisterRead.objects.filter(batch=batch).delete()
        TankEntry.objects.filter(batch=batch).delete()


SUBSCRIBER: Final = BatchReads()
