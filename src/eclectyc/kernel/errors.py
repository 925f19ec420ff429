"""The one base error. Whatever a person can mend is raised as one of these, with its remedy."""

from __future__ import annotations


class EclectycError(Exception):
    """Something a person can understand and mend.

    ``reason`` says what happened, ``remedy`` what to do next, ``code`` is stable for programs.
    """

    code = "error"

    def __init__(self, reason: str, remedy: str = "", *, field: str = "") -> None:
        super().__init__(f"{reason} {remedy}".strip())
        self.reason = reason
        self.remedy = remedy
        self.field = field


class Forbidden(EclectycError):
    """The actor may not do this here."""

    code = "forbidden"


class NotFound(EclectycError):
    """No such thing, or none that the actor may see: the two are told apart by nobody."""

    code = "not_found"


class Invalid(EclectycError):
    """A value was given that cannot be taken."""

    code = "invalid"


class Busy(EclectycError):
    """Another writer is at work; trying again later helps."""

    code = "busy"


class Conflict(EclectycError):
    """What is asked for does not go with what there is: something hangs on it, or it has been done already."""

    code = "conflict"


class TooMany(EclectycError):
    """Asked too often; it is free again after ``retry_after_s``."""

    code = "too_many_requests"

    def __init__(self, reason: str, *, retry_after_s: int) -> None:
        super().__init__(reason, f"Try again in {retry_after_s} s.")
        self.retry_after_s = retry_after_s
