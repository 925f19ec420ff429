"""What a derivation must know. To add one: write a class as described here and register it (see ``registry``).

A derivation is asked about many meters at once, and answers with a number of queries that does not grow with them:

1. ``dependents``: these series changed on these days; which meters depend on them, on which of *their own* days?
   Called for every batch, just before the lake commits it, so a batch without anything of interest should cost a query
   or two. The answer is stored, and counts once the batch is done.
2. ``series_needed`` and ``plan``: these meters are to be recalculated on these days; what are their readings now?
   Called with the writers' turn held: the lake does not change until the answer has been written.

Derived series belong to their derivation alone: they have a ``source`` of their own, so that nothing else writes into
them. Whatever they had on the recalculated days is replaced; a day without a row in ``plan``, or a slot without a
value, is missing afterwards. Never give a value that depends on a gap.

The engine calls ``dependents`` for its own batches as well: what depends on a derived series is recalculated in the
next round. A derivation must refuse circles when they are declared: the engine gives up after ``MOST_DEEP`` rounds.

If the *rules* of a derivation change – a formula is edited, a factor corrected – call ``invalidation.mark_stale`` in
the transaction of that change, with the affected days; for all days, ``spans.EVER``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import polars as pl

if TYPE_CHECKING:
    from eclectyc.batches.lifecycle import CreatedRecords


class DerivationPlan(Protocol):
    """The readings of some meters on some days. Iterating yields month frames for :meth:`Lake.replace_spans`.

    spans : series, start, end (half-open local days, those of one series not touching): the days that are replaced.
        It names *every* series of these meters that the derivation has ever created, also those without readings now.
    created : the series that had to be created; they are deleted if the batch is never committed.

    A month frame has series (Int32), day, step [minutes], values (list of Float64, null = missing) and quality (list of
    Int8, see ``kernel.quality``): a row for each series and day with at least one value, within a span, with every slot
    of the local day in its place. Each month comes once, at best in order, and is calculated when it is asked for, so
    that one or two are in memory at a time (``spans.months_of`` helps). The plan may be iterated more than once.
    """

    @property
    def spans(self) -> pl.DataFrame: ...
    @property
    def created(self) -> CreatedRecords: ...
    def __iter__(self) -> Iterator[pl.DataFrame]: ...


@runtime_checkable
class DerivationWithRemarks(Protocol):
    """A derivation with something to report about the import of what it depends on."""

    def remarks(self, touched: pl.DataFrame) -> list[str]:
        """Return sentences for the import's report, such as what is missing. touched : as in ``dependents``."""
        ...


class Derivation(Protocol):
    """A derivation: one object, without state.

    name : at most 20 characters; it never changes, since stale days are stored under it. title : for pages.
    """

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...

    def dependents(self, touched: pl.DataFrame) -> pl.DataFrame:
        """Return which meters depend on the changed days: meter (Int64), start, end; spans may overlap.

        touched : series (Int32) and day, the local day of the *changed* series' site; sorted, each pair once. The days
        in the answer are those of the dependent meter: if its site is in another time zone, or its day starts at
        another hour, a day affects its neighbours as well (``spans.widened``). Called within a transaction, for a
        batch that is still pending.
        """
        ...

    def series_needed(self, requested: pl.DataFrame) -> Collection[int]:
        """Return the series, by number, whose first and last day ``plan`` needs.

        They are looked up before the batch's transaction begins: an object store may take its time.
        """
        ...

    def plan(self, requested: pl.DataFrame, stored: pl.DataFrame) -> DerivationPlan:
        """Return what some meters' readings are to be on some days, and create the series that are missing.

        requested : meter (Int64), start, end; sorted, spans of a meter not touching; all meters are of one
        organisation. stored : series, first, last of those in ``series_needed`` that have readings. Spans may reach far
        beyond the readings (``spans.EVER``): narrow them (``spans.bounded``) to days on which a source or the derived
        series itself has readings. A meter that is no longer derived, or was deleted, has spans for the series that it
        had, and no rows. Called within the transaction in which the batch begins: look rules up here, and read the lake
        only while the plan is iterated.
        """
        ...
