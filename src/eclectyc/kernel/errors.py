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
