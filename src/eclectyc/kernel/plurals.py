"""Counts in words."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number of things in words. many : of a word whose plural is more than an s.

    >>> counted(1, "meter"), counted(1200, "site"), counted(2, "summary", "summaries")
    ('1 meter', '1,200 sites', '2 summaries')
    """
    return f"{number:,} {worded(number, one, many)}"


def worded(number: int, one: str, many: str = "") -> str:
    """Return the word alone: for one thing, or for any other number of them.

    >>> worded(1, "row"), worded(0, "row"), worded(3, "stays", "stay")
    ('row', 'rows', 'stay')
    """
    return one if number == 1 else many or f"{one}s"
