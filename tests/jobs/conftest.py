"""Real workers, each a process of its own, over the registry of the test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from email import message_from_bytes, policy
from email.message import Message
from pathlib import Path

import pytest

from tests.jobs import handlers
from tests.serving import plain_environment, registry_url

ADMIN = "admin@installation.example"
assert handlers.KINDS


def until(condition: Callable[[], object], what: str = "it", timeout_s: float = 40) -> None:
    """Wait until something holds; the test fails where it does not."""
    give_up = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > give_up:
            pytest.fail(f"{what} did not come about in {timeout_s} s")
        time.sleep(0.02)


def has_ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


class Crew:
    """Some workers."""

    def __init__(self, nursery: subprocess.Popen[str], home: Path) -> None:
        self._nursery = nursery
        self.home = home
        self.pids: list[int] = []

    def start(self, *options: str | float) -> int:
        """Start a worker, with these options of ``eclectyc worker``, and return its process number."""
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(json.dumps([str(option) for option in options]) + "\n")
        self._nursery.stdin.flush()
        pid = int(self._nursery.stdout.readline())
        self.pids.append(pid)
        return pid

    def kill(self, pid: int) -> None:
        """End a worker as a power cut does."""
        os.kill(pid, signal.SIGKILL)
        until(lambda: has_ended(pid), "its end")
        self.pids.remove(pid)

    def mails(self) -> list[Message]:
        """Return the mails that were sent."""
        return [
            message_from_bytes(path.read_bytes(), policy=policy.default)
            for path in sorted((self.home / "mail").glob("*.eml"))
        ]

    def end(self) -> None:
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until(lambda: all(has_ended(pid) for pid in self.pids), "the end of the workers")
        for path in (self.home / "mail").glob("*"):
            path.unlink()


@pytest.fixture(scope="session")
def _nursery(
    django_db_setup: None, django_db_blocker: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    home = tmp_path_factory.mktemp("workers")
    log = (home / "log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.jobs.worker_processes"],
        env=plain_environment(home, registry_url()) | {"ADMIN_EMAIL": ADMIN},
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", (home / "log").read_text()
    yield process, home
    assert process.stdin is not None
    process.stdin.close()
    process.wait(10)
    process.stdout.close()
    log.close()


@pytest.fixture
def crew(transactional_db: None, _nursery: tuple[subprocess.Popen[str], Path]) -> Iterator[Crew]:
    """Nobody yet; ``start`` hires. Whoever is left is killed at the end."""
    made = Crew(*_nursery)
    yield made
    made.end()
    if (log := made.home / "log").stat().st_size:
        print(log.read_text())  # pytest shows it where the test fails
