"""What can go wrong at the lake's door, each with its remedy."""

from __future__ import annotations

from eclectyc.kernel.errors import EclectycError, Invalid


class BadReadings(Invalid):
    """Day rows that the lake cannot take."""

    code = "bad_readings"


class WriterLeaseLost(EclectycError):
    """This writer's turn has passed to another; nothing of what it prepared was written."""

    code = "lease_lost"


class CommitConflict(EclectycError):
    """The lake changed under a writer. Its work rests on an older state, so it was not written."""

    code = "conflict"


class OutOfOrder(EclectycError):
    """A batch number or fence that is not above what the lake's log already holds."""

    code = "out_of_order"
