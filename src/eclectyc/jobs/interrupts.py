"""What stops a handler.

Somebody cancelled the job, another worker has it now, or the worker has to end: these three are no ``Exception``, so
that no handler swallows them by accident. ``Later`` is one: what cannot be done now, and may well be later.
"""

from __future__ import annotations

from eclectyc.kernel.errors import EclectycError


class Interrupt(BaseException):
    """The handler has to end here. Let it through; clean up in ``finally``."""


class Cancelled(Interrupt):
    """Somebody cancelled the job."""


class JobLeaseLost(Interrupt):
    """Another worker has the job: this one was taken for dead."""


class HandedBack(Interrupt):
    """The worker has to end; another goes on with the job."""


class TryLater(EclectycError):
    """It cannot be done now, and may well be later: the job is tried again, as often as it may be."""

    code = "later"
