"""How this process allocates memory."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from typing import Final

_KEPT_BYTES: Final = 32 << 20  # the most that every glibc accepts
_NEVER: Final = (1 << 31) - 1
# Parameters of glibc's mallopt, from its malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -2, -3, -8


def reuse_freed_memory() -> None:
    """Let arrays of some megabytes reuse the memory of earlier ones.

    By default glibc requests memory from the system for each of them, and returns it: an import of 120 MB took 5 %
    longer, for pages that were cleared again and again. For commands that do one thing and end: a long-running process
    would keep its peak. Other C libraries are not affected.
    """
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018 - AttributeError in any other library
        for parameter, value in (
            (_MMAP_THRESHOLD, _KEPT_BYTES),
            (_TRIM_THRESHOLD, _NEVER),
            (_TOP_PAD, 4 << 20),
            (_ARENA_MAX, 1),
        ):
            library.mallopt(parameter, value)
