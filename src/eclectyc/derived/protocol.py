"""What a kind of derivation has to know. To add one: write a class as described here, and its line in ``kinds``.

A kind is asked two things, always about many meters at once, and answers each with a number of queries that does not
grow with them:

1. ``resting_on``: these series were touched on these days; which meters rest on them, on which of *their own* days?
   Asked of every batch that anybody writes, just before the lake commits it; so a batch with nothing of interest must
   cost a query or two. The answer is kept, and counts once the batch is done.
2. ``reads`` and ``plan``: these meters are to be worked out anew on these days; what do they hold now? Asked with the
   writers' turn held, so that nothing is written meanwhile: the lake stands still until the answer has been written.

What is worked out belongs to the kind alone. Its series have a ``source`` of their own, so that nobody else writes
into them, and whatever they held on the days worked out is replaced, also by nothing: a day of which ``plan`` tells no
row, or a slot without a value, is missing afterwards. Never tell a value that rests on a gap.

The engine calls ``resting_on`` of every kind for its own batches as well: what rests on something derived follows in
the next round. A kind must refuse circles when they are declared: the engine gives up on one after ``MOST_DEEP``
rounds.

A kind whose *rules* change – a formula edited, a factor corrected – calls ``stale.mark`` in the transaction of that
change, with the days that the rule bears on; for all days there are, ``spans.EVER``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import polars as pl

if TYPE_CHECKING:
    from eclectyc.batches.lifecycle import CreatedRecords


class DerivationPlan(Protocol):
    """What some meters hold on some days. Going through it yields month frames, as :meth:`Lake.replace_spans` takes them.

    spans : series, start, end (half-open local days; of one series apart from each other): the days that are replaced.
        It names *every* series of the meters that the kind has ever made, also those that hold nothing now.
    made : the series that had to be made; they go again if the batch is never committed.

    A month frame has series (Int32), day, step [minutes], values (list of Float64, null = missing) and quality (list of
    Int8, see ``kernel.quality``): a row for each series and day with anything to tell, each within a span, every slot
    of the local day in its place. Each month comes once, at best in order, and is made when it is asked for, so that
    one or two are in memory at a time (``spans.months_of`` helps). It may be gone through more than once.
    """

    @property
    def spans(self) -> pl.DataFrame: ...
    @property
    def created(self) -> CreatedRecords: ...
    def __iter__(self) -> Iterator[pl.DataFrame]: ...


@runtime_checkable
class DerivationWithRemarks(Protocol):
    """A kind that has something to say to whoever imports what it rests on."""

    def remarks(self, touched: pl.DataFrame) -> list[str]:
        """Return sentences for the import's result, such as what is lacking. touched : as ``resting_on`` has it."""
        ...


class Derivation(Protocol):
    """A kind of derivation: one object, without state.

    name : at most 20 characters, for ever: what is stale is kept under it. title : what a person calls it.
    """

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...

    def dependents(self, touched: pl.DataFrame) -> pl.DataFrame:
        """Return which meters rest on what was touched: meter (Int64), start, end; spans may overlap.

        touched : series (Int32) and day, the local day of the *touched* series' site; sorted, each once. The answer's
        days are those of the meter that rests on it: where its site is in another zone, or its day starts at another
        hour, a day bears on its neighbours as well (``spans.widened``). Called within a transaction, of a batch that
        is still pending.
        """
        ...

    def series_needed(self, wanted: pl.DataFrame) -> Collection[int]:
        """Return the series of which ``plan`` has to know from when till when they hold anything, by number.

        They are looked up in the lake before the batch's transaction begins: an object store may take its time.
        """
        ...

    def plan(self, wanted: pl.DataFrame, held: pl.DataFrame) -> DerivationPlan:
        """Return what some meters are to hold on some days, and make the series that they lack.

        held : series, first, last of those that ``reads`` named and that hold anything. wanted : meter (Int64), start,
        end; sorted, spans of a meter apart from each other; all meters are of one organisation. Spans may reach far
        beyond the readings there are (``spans.EVER``): narrow them (``spans.bounded``) to days on which a source or the
        derived series itself holds something. A meter that is no longer derived, or is gone, has spans for the series
        that it had and no rows. Called within the transaction in which the batch is begun, so look rules up here, and
        read the lake only while being gone through.
        """
        ...
