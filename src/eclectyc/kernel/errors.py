"""Errors that a person can fix, each with a remedy."""

from __future__ import annotations


class EclectycError(Exception):
    """The base of all errors that a person can understand and fix.

    reason : what happened. remedy : what to do next. code : stable, for programs.
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
    """The thing does not exist, or the actor may not see it: the error is the same."""

    code = "not_found"


class Invalid(EclectycError):
    """A value cannot be used."""

    code = "invalid"


class Busy(EclectycError):
    """Another process is at work; try again later."""

    code = "busy"


class Conflict(EclectycError):
    """The request does not fit the present state: other things depend on it, or it has already been done."""

    code = "conflict"


class TooMany(EclectycError):
    """Too many requests; more are allowed after ``retry_after_s``."""

    code = "too_many_requests"

    def __init__(self, reason: str, *, retry_after_s: int) -> None:
        super().__init__(reason, f"Try again in {retry_after_s} s.")
        self.retry_after_s = retry_after_s
