"""The door to work over slices."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from eclectyc.configuration import BadConfiguration
from eclectyc.lake.parallel import map_slices

if TYPE_CHECKING:
    from pytest_django.fixtures import SettingsWrapper


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


def test_a_named_cluster_does_the_work(settings: SettingsWrapper, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask's client is played by a thread pool: what matters is what the door asks of it."""
    asked = []

    class Client(ThreadPoolExecutor):
        def __init__(self, address: str, **_: object) -> None:
            super().__init__(2)
            asked.append(address)

        def nthreads(self) -> dict[str, int]:
            return {"worker": 2}

        def submit(self, function, piece, *, pure):  # type: ignore[no-untyped-def, override]
            assert pure is False  # a write is done anew each time
            return super().submit(function, piece)

    monkeypatch.setitem(sys.modules, "dask.distributed", SimpleNamespace(Client=Client))
    settings.DASK_SCHEDULER = "tcp://somewhere:8786"
    assert list(map_slices(str, range(9))) == [str(n) for n in range(9)]
    assert asked == ["tcp://somewhere:8786"]


def test_a_missing_cluster_client_is_reported_with_what_to_install(
    settings: SettingsWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    settings.DASK_SCHEDULER = "tcp://somewhere:8786"
    with pytest.raises(BadConfiguration, match=r"eclectyc-energy\[cluster\]"):
        list(map_slices(str, range(9)))


def test_dask_is_not_imported_where_no_cluster_is_named() -> None:
    code = (
        "import os, sys, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'eclectyc.settings'; django.setup();"
        "from eclectyc.lake.parallel import map_slices; list(map_slices(abs, [1])); print('dask' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
