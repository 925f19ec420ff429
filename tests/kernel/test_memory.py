"""Whether freed memory is taken again, told by the pages that the system had to hand over."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from eclectyc.kernel import memory

ARRAYS = """
import resource, sys
from eclectyc.kernel.memory import reuse_freed_memory
import numpy as np
if sys.argv[1] == "kept":
    reuse_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for size in range(1_000_000, 3_000_000, 50_000):
    np.ones(size, dtype=np.int8)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def pages(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", ARRAYS, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_arrays_take_the_room_of_those_before() -> None:
    kept, given_back = pages("kept"), pages("given back")
    assert kept * 4 < given_back if platform.libc_ver()[0] == "glibc" else kept < given_back * 1.5


def test_another_c_library_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    memory.reuse_freed_memory()
