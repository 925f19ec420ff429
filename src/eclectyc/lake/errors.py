"""Errors of the lake."""

from __future__ import annotations

from eclectyc.kernel.errors import EclectycError, Invalid


class BadReadings(Invalid):
    """Day rows that the lake cannot store."""

    code = "bad_readings"


class WriterLeaseLost(EclectycError):
    """Another writer now holds the lease; nothing that this one prepared was written."""

    code = "lease_lost"


class CommitConflict(EclectycError):
    """The lake changed while a writer prepared its files on an older version; they were not written."""

    code = "conflict"


class LakeLost(EclectycError):
    """The lake is missing, empty, another one, or older than the registry: it is not written to, nor exported from."""

    code = "lake_lost"


class OutOfOrder(EclectycError):
    """A batch number or fence that is not above the last one in the lake's log."""

    code = "out_of_order"
