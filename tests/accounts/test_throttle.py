"""How often something may happen, counted for all processes of a machine."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from eclectyc.accounts.throttle import SLOTS, Counters, Rate, take
from eclectyc.kernel.errors import TooMany

RATE = Rate("test", 5, 60)
START = 1_800_000_000.0  # the beginning of a minute


@pytest.fixture
def counters(tmp_path: Path) -> Counters:
    return Counters(tmp_path / "throttle")


def test_so_many_fit_in_a_window_and_no_more(counters: Counters) -> None:
    assert [counters.take(RATE, "a", START + n) == 0 for n in range(7)] == [True] * 5 + [False] * 2
    assert counters.take(RATE, "b", START + 5) == 0  # another's count is its own
    assert counters.take(Rate("other", 5, 60), "a", START + 5) == 0


@pytest.mark.parametrize("taken", [1, 3, 5])
@pytest.mark.parametrize("at", [0.0, 12.5, 59.9])
def test_who_waits_as_long_as_is_said_gets_in_and_no_sooner(taken: int, at: float, counters: Counters) -> None:
    moment = START + at
    while counters.take(RATE, "a", moment) == 0:
        pass
    for _ in range(taken):
        wait = counters.take(RATE, "a", moment)
        assert wait > 0
        assert counters.take(RATE, "a", moment + wait - 0.01) > 0
        moment += wait + 0.001
        assert counters.take(RATE, "a", moment) == 0


def test_in_no_stretch_of_a_window_is_there_much_more_than_is_allowed(counters: Counters) -> None:
    taken = [s for s in range(600) if counters.take(RATE, "a", START + s) == 0]
    busiest = max(sum(first <= s < first + 60 for s in taken) for first in range(540))
    assert busiest <= RATE.most + 1
    assert len(taken) >= 10 * RATE.most * 0.8


def test_a_clock_set_back_neither_frees_nor_locks_for_good(counters: Counters) -> None:
    for _ in range(5):
        counters.take(RATE, "a", START + 3600)
    assert counters.take(RATE, "a", START) > 0
    assert counters.take(RATE, "a", START + 3600 + 121) == 0


def test_more_keys_than_slots_forget_the_oldest_and_never_fault(tmp_path: Path) -> None:
    counters = Counters(tmp_path / "throttle")
    for n in range(3000):
        assert counters.take(RATE, str(n), START) == 0
    assert (tmp_path / "throttle").stat().st_size <= SLOTS * 32
    assert (tmp_path / "throttle").stat().st_mode & 0o777 == 0o600


def test_threads_lose_no_count(counters: Counters) -> None:
    rate, got = Rate("threads", 500, 60), []
    threads = [
        threading.Thread(target=lambda: got.extend(counters.take(rate, "a", START) == 0 for _ in range(200)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(got) == 500


def test_processes_count_together(tmp_path: Path, settings: Any) -> None:
    settings.HOME = tmp_path
    program = (
        "import django; from django.conf import settings; from pathlib import Path; "
        f"settings.configure(SECRET_KEY={settings.SECRET_KEY!r}, HOME=Path({str(tmp_path)!r})); "
        "from eclectyc.accounts.throttle import Counters, Rate; "
        f"c = Counters(Path({str(tmp_path)!r}) / 'throttle'); "
        f"print(sum(c.take(Rate('p', 300, 60), 'a', {START}) == 0 for _ in range(200)))"
    )
    running = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert sum(int(process.communicate()[0]) for process in running) == 300


def test_what_is_too_often_says_when_to_come_back(tmp_path: Path, settings: Any) -> None:
    settings.HOME = tmp_path
    for _ in range(5):
        take(RATE, "a", now_s=START + 30)
    with pytest.raises(TooMany) as refused:
        take(RATE, "a", now_s=START + 30)
    assert refused.value.retry_after_s == 42  # 30 s to the next minute, then until a fifth of it has gone by
