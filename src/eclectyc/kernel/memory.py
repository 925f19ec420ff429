"""How this process asks the system for memory."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from typing import Final

_KEPT_BYTES: Final = 32 << 20  # the most that every glibc takes
_NEVER: Final = (1 << 31) - 1
# Parameters of glibc's mallopt, from its malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -2, -3, -8


def reuse_freed_memory() -> None:
    """Have arrays of some megabytes take the room that earlier ones left.

    Left to itself, glibc asks the system for each of them, and gives it back: an import of 120 MB took a twentieth
    longer for pages that were handed over and wiped again and again. For commands that do one thing and end: a
    process that stays would hold on to its peak. Other C libraries are left as they are.
    """
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018 - AttributeError where it is another
        for parameter, value in (
            (_MMAP_THRESHOLD, _KEPT_BYTES),
            (_TRIM_THRESHOLD, _NEVER),
            (_TOP_PAD, 4 << 20),
            (_ARENA_MAX, 1),
        ):
            library.mallopt(parameter, value)
