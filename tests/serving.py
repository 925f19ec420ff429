"""The real program in its own process: the command line over a home, and the web over this test's registry."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import forked, needs
from tests.cluster import Cluster
from tests.forked import Forked
from tests.registry import INSTALLED

BIN = Path(sys.executable).parent


@dataclass(slots=True)
class Installation:
    """A home of its own with the ``eclectyc`` command over it, as a user would run it."""

    home: Path
    environment: dict[str, str]
    _started: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(
        self, *arguments: str | Path, stdin: str = "", timeout_s: float = 120, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, such as ``run("import", path, ECLECTYC_FAILPOINT="lake.commit")``."""
        return forked.run(self._command(arguments), env=self.environment | environment, input=stdin, timeout=timeout_s)

    def json(self, *arguments: str | Path) -> Any:
        """Run a command with ``--json`` and return the object that it prints."""
        done = self.run(*arguments, "--json")
        assert done.stdout, f"nothing on standard output; exit {done.returncode}; {done.stderr}"
        return json.loads(done.stdout)

    def start(self, *arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
        """Start a command and return its process, which leads a group of its own; it is ended with the test."""
        process = subprocess.Popen(
            self._command(arguments),
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def end(self) -> None:
        """End whatever was started and still runs."""
        for process in self._started:
            end_group(process)

    def _command(self, arguments: tuple[str | Path, ...]) -> list[str]:
        return [str(BIN / "eclectyc"), *map(str, arguments)]


def end_group(process: subprocess.Popen[str] | Forked) -> None:
    """End a process that leads its own group, and all of that group."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)
    for stream in (process.stdout, process.stderr):
        if stream:
            stream.close()


def free_port() -> int:
    """Return a port of loopback that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def plain_environment(home: Path, database_url: str = "") -> dict[str, str]:
    """Return this process's environment, pointed at a home and a database."""
    environment = os.environ | {"ECLECTYC_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    environment.pop("DATABASE_URL", None)
    return environment | {"DATABASE_URL": database_url} if database_url else environment


@pytest.fixture
def installation(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Installation]:
    """A fresh installation beside the test's own registry, with nothing in it."""
    folder = tmp_path / "installation"
    url = ""
    if needs.on_postgresql():
        cluster: Cluster = request.getfixturevalue("postgresql")
        url = cluster.new_database(template=INSTALLED)
    else:
        shutil.copytree(request.getfixturevalue("migrated_home"), folder)
    made = Installation(folder, plain_environment(folder, url))
    yield made
    made.end()


@pytest.fixture
def bare_installation(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Installation]:
    """An installation on which nothing has run yet: on PostgreSQL its database is empty."""
    folder = tmp_path / "bare"
    url = ""
    if needs.on_postgresql():
        cluster: Cluster = request.getfixturevalue("postgresql")
        url = cluster.new_database()
    made = Installation(folder, plain_environment(folder, url))
    yield made
    made.end()


@dataclass(frozen=True, slots=True)
class Served:
    """The web application at an address of loopback, over the registry and the lake of the test itself."""

    url: str
    home: Path


def registry_url() -> str:
    """Return the ``DATABASE_URL`` of the database that the tests of this process use."""
    from django.db import connection

    named = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{named['NAME']}"
    return f"postgresql://{named['USER']}@/{named['NAME']}?host={named['HOST']}"


@pytest.fixture
def served(transactional_db: None, home: Path, tmp_path: Path) -> Iterator[Served]:
    """The real application under granian. What the test commits, before or after, the server sees."""
    port = free_port()
    log = tmp_path / "served.log"
    command = [str(BIN / "granian"), "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("w") as output:
        process = Forked(
            [*command, "--workers", "1", "--blocking-threads", "4", "eclectyc.wsgi:application"],
            env=plain_environment(home, registry_url()),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(f"{url}/api/health", process, log)
        yield Served(url, home)
    finally:
        end_group(process)
        print(log.read_text())  # pytest shows it where the test fails


def _wait_for(url: str, process: Forked, log: Path, timeout_s: float = 30) -> None:
    until = time.monotonic() + timeout_s
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.HTTPError as answer:
            answer.close()
            return  # any answer is a server
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"the server did not answer at {url}:\n{log.read_text()}")
