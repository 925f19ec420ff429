"""Rates, counted for all processes: in a file of the home, on PostgreSQL in the registry."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from eclectyc.accounts.models import Tally
from eclectyc.accounts.rate_limit.counters import SLOTS, Counters, FileCounters, consume, digest_of
from eclectyc.accounts.rate_limit.database import RegistryCounters
from eclectyc.accounts.rate_limit.window import Rate
from eclectyc.kernel.errors import TooMany
from tests import needs

RATE = Rate("test", 5, 60)
START = 1_800_000_000.0  # the beginning of a minute


@dataclass
class Tries:
    """Attempts, counted by name."""

    counters: Counters

    def take(self, rate: Rate, who: str, now_s: float) -> float:
        return self.counters.consume(rate, digest_of(rate, who), now_s)

    def put_back(self, rate: Rate, who: str, now_s: float) -> None:
        self.counters.restore(rate, digest_of(rate, who), now_s)


@pytest.fixture
def counters(db: None, tmp_path: Path) -> Tries:
    return Tries(RegistryCounters() if needs.on_postgresql() else FileCounters(tmp_path / "throttle"))


def test_a_window_allows_its_rate_and_no_more(counters: Tries) -> None:
    assert [counters.take(RATE, "a", START + n) == 0 for n in range(7)] == [True] * 5 + [False] * 2
    assert counters.take(RATE, "b", START + 5) == 0  # another's count is its own
    assert counters.take(Rate("other", 5, 60), "a", START + 5) == 0


@pytest.mark.parametrize("taken", [1, 3, 5])
@pytest.mark.parametrize("at", [0.0, 12.5, 59.9])
def test_the_stated_wait_is_exact(taken: int, at: float, counters: Tries) -> None:
    moment = START + at
    while counters.take(RATE, "a", moment) == 0:
        pass
    for _ in range(taken):
        wait = counters.take(RATE, "a", moment)
        assert wait > 0
        assert counters.take(RATE, "a", moment + wait - 0.01) > 0
        moment += wait + 0.001
        assert counters.take(RATE, "a", moment) == 0


def test_no_period_of_a_window_allows_much_more_than_the_rate(counters: Tries) -> None:
    taken = [s for s in range(600) if counters.take(RATE, "a", START + s) == 0]
    busiest = max(sum(first <= s < first + 60 for s in taken) for first in range(540))
    assert busiest <= RATE.most + 1
    assert len(taken) >= 10 * RATE.most * 0.8


def test_a_clock_set_back_neither_clears_nor_locks_a_count(counters: Tries) -> None:
    for _ in range(5):
        counters.take(RATE, "a", START + 3600)
    assert counters.take(RATE, "a", START) > 0
    assert counters.take(RATE, "a", START + 3600 + 121) == 0


def test_what_is_restored_does_not_count(counters: Tries) -> None:
    for _ in range(12):
        assert counters.take(RATE, "a", START) == 0
        counters.put_back(RATE, "a", START)
    assert [counters.take(RATE, "a", START) == 0 for _ in range(6)] == [True] * 5 + [False]
    counters.put_back(RATE, "nobody", START)
    assert [counters.take(RATE, "nobody", START) == 0 for _ in range(6)] == [True] * 5 + [False]


def test_more_keys_than_slots_overwrite_the_oldest_without_an_error(tmp_path: Path) -> None:
    counters = Tries(FileCounters(tmp_path / "throttle"))
    for n in range(3000):
        assert counters.take(RATE, str(n), START) == 0
    assert (tmp_path / "throttle").stat().st_size <= SLOTS * 32
    assert (tmp_path / "throttle").stat().st_mode & 0o777 == 0o600


def test_expired_rows_are_deleted(counters: Tries) -> None:
    for n in range(40):
        counters.take(RATE, str(n), START)
    for n in range(21):  # each try clears two away
        counters.take(RATE, "late", START + 121 + n * 0.1)
    assert Tally.objects.count() == (1 if needs.on_postgresql() else 0)


@pytest.mark.django_db(transaction=True)
def test_threads_lose_no_count(tmp_path: Path, counters: Tries) -> None:
    rate, got = Rate("threads", 200, 60), []

    def tries() -> None:
        got.extend(counters.take(rate, "a", START) == 0 for _ in range(80))
        connection.close()

    threads = [threading.Thread(target=tries) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(got) == 200


def test_processes_count_together(tmp_path: Path, settings: Any) -> None:
    settings.HOME = tmp_path
    program = (
        "import django; from django.conf import settings; from pathlib import Path; "
        f"settings.configure(SECRET_KEY={settings.SECRET_KEY!r}, HOME=Path({str(tmp_path)!r})); "
        "from eclectyc.accounts.rate_limit.counters import FileCounters, digest_of; "
        "from eclectyc.accounts.rate_limit.window import Rate; "
        f"c = FileCounters(Path({str(tmp_path)!r}) / 'throttle'); r = Rate('p', 300, 60); "
        f"print(sum(c.consume(r, digest_of(r, 'a'), {START}) == 0 for _ in range(200)))"
    )
    running = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert sum(int(process.communicate()[0]) for process in running) == 300


def test_too_many_attempts_get_a_time_to_wait(db: None, tmp_path: Path, settings: Any) -> None:
    settings.HOME = tmp_path
    for _ in range(5):
        consume(RATE, "a", now_s=START + 30)
    with pytest.raises(TooMany) as refused:
        consume(RATE, "a", now_s=START + 30)
    assert refused.value.retry_after_s == 42  # 30 s to the next minute, then until a fifth of it has gone by
