"""What interrupts a handler.

A cancelled job, a lost lease and a stopping worker are no ``Exception``, so that no handler catches them by accident.
``TryLater`` is one: the work cannot be done now but may be later.
"""

from __future__ import annotations

from eclectyc.kernel.errors import EclectycError


class Interrupt(BaseException):
    """The handler must end here. Let it through; clean up in ``finally``."""


class Cancelled(Interrupt):
    """The job was cancelled."""


class JobLeaseLost(Interrupt):
    """Another worker has the job: this one seemed to have ended."""


class HandedBack(Interrupt):
    """The worker must stop; another continues the job."""


class TryLater(EclectycError):
    """The work cannot be done now: the job is retried, up to its number of attempts."""

    code = "later"
