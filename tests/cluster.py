"""A throw-away PostgreSQL server on a unix socket, for the length of a test run."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from tests import needs

_SPEED = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where a server is, or will be: ``folder`` holds its data and its socket."""

    folder: Path
    numbers: count[int]

    @classmethod
    def planned(cls) -> Cluster:
        """Choose a folder short enough for a socket's path; nothing is started."""
        return cls(Path(tempfile.mkdtemp(prefix="eclectyc-pg-")), count(1))

    def url(self, database: str) -> str:
        """Return the ``DATABASE_URL`` of a database of this server."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def start(self, like: Path | None = None) -> None:
        """Make the server's files, or copy those that :meth:`leave` left, and start it; root hands them to the user
        postgres."""
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        if like:
            subprocess.run(["cp", "-a", like / "data", self.folder], check=True)
        else:
            self._run("initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-c listen_addresses='' -k {self.folder} {_SPEED}"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self._data), "-o", options, "-l", log, "-w", "start")

    def stop(self) -> None:
        """Stop the server, if it was started, and remove its files."""
        if (self._data / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def leave(self, folder: Path) -> None:
        """Stop the server in order and move its files into a folder."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "fast", "-w", "stop")
        shutil.move(self._data, folder)
        shutil.rmtree(self.folder)

    def new_database(self, name: str = "", *, template: str = "template1") -> str:
        """Make a database, empty or a copy of ``template``, and return its URL."""
        import psycopg

        name = name or f"own_{os.getpid()}_{next(self.numbers)}"
        with psycopg.connect(f"host={self.folder} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        return self.url(name)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _run(self, program: str, *arguments: str) -> None:
        folder = needs.postgresql()
        assert folder is not None, needs.REMEDIES["postgresql"]
        as_whom: dict[str, Any] = {}
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            as_whom = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        subprocess.run(
            [folder / program, *arguments],
            check=True,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            timeout=60,
            **as_whom,
        )
