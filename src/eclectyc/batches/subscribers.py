"""What follows from a batch: rooms above this one subscribe to the days that it changes and to its end.

To subscribe, write a class like those below and register it in the room's ``AppConfig.ready``::

    from eclectyc.batches.subscribers import subscribers

    subscribers.register("findings", "eclectyc.quality.findings:SUBSCRIBER")

The target is named, not imported: nothing is loaded until the first batch needs it. The order of calls carries no
meaning: a subscriber must not depend on another one's.

The life of a batch, as a subscriber sees it:

1. ``on_touched``: the batch is pending and its month files are written, but the lake has not committed them. Write down
   what depends on the changed days – keys such as meter and days, not results: those are calculated later. The keys
   belong to the batch and *count only once it is done*; until then, nothing may act on them. The call is part of the
   transaction that stores the batch's counts, so a process killed at any moment loses no key. If the lake's commit
   has to be repeated because another writer was quicker, the call comes again with the days as they are then:
   **replace** what the batch stored before, so that each key counts once.
2. Either ``on_done``: the lake has the batch. The keys count from here on; ask for the work that they need (a job).
   Or ``on_failed``: nothing was changed. Delete the batch's keys and release what the batch had claimed.

Exactly one of the two is called in the transaction that ends the batch, also by another process after a crash. If
that transaction is rolled back, the next writer calls it again.

An error in ``on_touched`` fails the batch: the lake does not commit it, ``on_failed`` is called, and the error reaches
the person who started the import. An error in ``on_done`` or ``on_failed`` leaves the batch as it is, and every next
writer tries again and fails: so these two only write rows; they never refuse, and never wait for a network.

Every import, undo, push, typed read and recalculation is a batch, so a call should cost a query or two if nothing
depends on the days. The first subscriber is ``derived.invalidation``.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from eclectyc.kernel.hooks import Hook

if TYPE_CHECKING:
    import polars as pl

    from eclectyc.batches.models import Batch


class BatchSubscriber:
    """Does nothing: override what matters. One object without state, called from several processes."""

    def on_touched(self, batch: Batch, touched: pl.DataFrame) -> None:
        """Store which keys depend on the days that a pending batch changes, in place of those stored before.

        touched : series (Int32) and day, the local day of the series' site; sorted, each pair once; perhaps empty. The
        values are not committed yet: do not read them from the lake.
        """

    def on_done(self, batch: Batch) -> None:
        """Follow a batch that the lake has: its keys count now. Within the transaction that makes it done."""

    def on_failed(self, batch: Batch) -> None:
        """Delete the keys of a batch that was not committed, and release what it claimed.

        Within the transaction that makes it failed, before the sites, meters and series that it created are deleted.
        """

    def series_in_use(self, series: Collection[int]) -> set[int]:
        """Return which of the series that a failed batch created must stay: this room has stored something for them."""
        return set()


subscribers: Final[Hook[BatchSubscriber]] = Hook("batch subscriber")
