"""The door to work over slices."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from eclectyc.lake.work import map_slices


def test_results_come_in_the_order_of_the_slices() -> None:
    assert list(map_slices(lambda n: n * n, range(20))) == [n * n for n in range(20)]


def test_only_a_few_slices_are_out_at_a_time() -> None:
    made, used, most = [0], [0], [0]

    def slices() -> Iterator[int]:
        for n in range(20):
            made[0] += 1
            most[0] = max(most[0], made[0] - used[0])
            yield n

    for _ in map_slices(lambda n: n, slices(), at_once=3):
        used[0] += 1
    assert most[0] <= 3


def test_slices_are_worked_on_side_by_side() -> None:
    both = threading.Barrier(2, timeout=10)
    assert len(list(map_slices(lambda _: both.wait(), range(2), at_once=2))) == 2


def test_a_fault_in_one_slice_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        list(map_slices(lambda n: 1 // n, [1, 0, 1]))


def test_dask_is_not_imported_where_no_cluster_is_named() -> None:
    code = (
        "import os, sys, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'eclectyc.settings'; django.setup();"
        "from eclectyc.lake.work import map_slices; list(map_slices(abs, [1])); print('dask' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
