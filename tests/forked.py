"""Processes that start in no time: forked from one in which the libraries are loaded, and nothing of the product's.

What runs is what ``python`` would run, ``-c`` and ``-m`` included, or the function of an installed command; it imports
the product, reads its environment and ends as any process does. Loading Django and Polars anew took most of the time
of a test that starts ten of them.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import types
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import IO, Any, Final, Self

ROOT: Final = Path(__file__).resolve().parent.parent
# What a command may load of others, but for what reads Django's settings as it is loaded.
LIBRARIES: Final = (
    "argon2", "asyncio", "concurrent.futures.process", "cronsim", "cryptography.fernet", "csv", "dask", "deltalake",
    "difflib", "django.contrib.auth.hashers", "django.core.handlers.wsgi", "django.core.mail",
    "django.core.management.commands.migrate", "django.db.backends.postgresql.base", "django.db.backends.sqlite3.base",
    "django.db.migrations.executor", "django.db.models", "django.forms", "django.template.defaulttags",
    "django.views.generic", "fastexcel", "granian.cli", "granian.server.mp", "http.server", "httpx", "numpy", "orjson",
    "platformdirs", "polars", "psycopg", "pydantic_settings", "runpy", "sqlite3", "structlog", "typer",
    "urllib.request", "uuid", "whitenoise.middleware", "xml.etree.ElementTree", "zoneinfo",
)  # fmt: skip


class Forked:
    """One such process, to be handled like a :class:`subprocess.Popen` of text."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        cwd: Path = ROOT,
        stdin: int | None = subprocess.DEVNULL,
        stdout: int | IO[str] | None = None,
        stderr: int | IO[str] | None = None,
        start_new_session: bool = False,
    ) -> None:
        self.args = [str(word) for word in command]
        self.returncode: int | None = None
        self.stdin: IO[str] | None = None
        self.stdout: IO[str] | None = None
        self.stderr: IO[str] | None = None
        self._readers: list[_Reader] = []
        ask = {"command": self.args, "env": dict(env), "cwd": str(cwd), "session": start_new_session}
        with ExitStack() as lent:
            streams = [self._stream(n, wish, lent) for n, wish in enumerate((stdin, stdout, stderr))]
            self._told, tells = os.pipe()
            lent.callback(os.close, tells)
            with _asking:
                _nursery().ask(ask, [*streams, tells])
        self.pid = int(self._hear(None))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream:
                stream.close()
        self.wait()

    def poll(self) -> int | None:
        """Return how it ended, or ``None`` while it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return how it came about; a signal's number is below nought."""
        if self.returncode is None:
            self.returncode = int(self._hear(timeout))
            os.close(self._told)
        return self.returncode

    def communicate(self, input: str | None = None, timeout: float | None = None) -> tuple[str, str]:
        """Give it what it reads, take what it writes, and wait for its end."""
        until = None if timeout is None else time.monotonic() + timeout
        if self.stdin:
            with suppress(BrokenPipeError), self.stdin:
                self.stdin.write(input or "")
        if not self._readers:
            for stream in (self.stdout, self.stderr):
                self._readers.append(_Reader(stream))
        for reader in self._readers:
            reader.join(None if until is None else max(until - time.monotonic(), 0))
            if reader.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        self.wait(None if until is None else max(until - time.monotonic(), 0))
        return self._readers[0].text, self._readers[1].text

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.send_signal(signal.SIGKILL)

    def _stream(self, number: int, wish: int | IO[str] | None, lent: ExitStack) -> int:
        if wish is None:
            return number
        if wish == subprocess.DEVNULL:
            null = os.open(os.devnull, os.O_RDWR)
            lent.callback(os.close, null)
            return null
        if wish != subprocess.PIPE:
            return wish if isinstance(wish, int) else wish.fileno()
        ends = os.pipe()
        theirs, ours = ends if number == 0 else ends[::-1]
        lent.callback(os.close, theirs)
        setattr(self, ("stdin", "stdout", "stderr")[number], os.fdopen(ours, "rw"[number == 0]))
        return theirs

    def _hear(self, timeout: float | None) -> bytes:
        """Return the next line that is told of it: its number, then how it ended."""
        if not select.select([self._told], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        line = b""
        while not line.endswith(b"\n"):
            read = os.read(self._told, 1)
            if not read:
                raise RuntimeError(f"Of {self.args} nothing more is heard.")
            line += read
        return line


class _Reader(threading.Thread):
    """Reads what a process writes, to its end."""

    def __init__(self, stream: IO[str] | None) -> None:
        super().__init__(daemon=True)
        self.text = ""
        self._stream = stream
        self.start()

    def run(self) -> None:
        if self._stream:
            with self._stream:
                self.text = self._stream.read()


def run(
    command: Sequence[str | Path], *, env: Mapping[str, str], input: str = "", timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return what it said."""
    process = Forked(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = process.communicate(input, timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return subprocess.CompletedProcess(process.args, process.wait(), out, err)


class _Nursery:
    """This side of the process that forks; it ends when this one does."""

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.forked", str(theirs.fileno())], cwd=ROOT, pass_fds=[theirs.fileno()]
            )

    def ask(self, what: object, streams: Sequence[int]) -> None:
        words = json.dumps(what).encode()
        socket.send_fds(self._line, [len(words).to_bytes(4, "big")], streams)
        self._line.sendall(words)

    def end(self) -> None:
        self._line.close()
        self._process.wait(10)


_nurseries: dict[int, _Nursery] = {}  # one of each process that asks: none is inherited
_asking = threading.Lock()  # one request after another goes over a nursery's line, whichever thread makes it


def _nursery() -> _Nursery:
    mine = _nurseries.get(os.getpid())
    if mine is None:
        mine = _nurseries[os.getpid()] = _Nursery()
        atexit.register(mine.end)
    return mine


def end() -> None:
    """End the process that forks."""
    if (mine := _nurseries.pop(os.getpid(), None)) is not None:
        mine.end()


def _serve(line: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Fork on each request and tell how each child ended. Return in a child, with its request; else at the end."""
    tells: dict[int, int] = {}
    wakes, woken = os.pipe()
    for end in (wakes, woken):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken)
    while True:
        ready = select.select([line.fileno(), wakes], [], [])[0]
        if wakes in ready:
            os.read(wakes, 4096)
            _tell_ends(tells)
        if line.fileno() in ready:
            head, given, *_ = socket.recv_fds(line, 4, 4)
            if not head:
                return None
            request = json.loads(_read(line, int.from_bytes(head, "big")))
            with warnings.catch_warnings(action="ignore"):  # of threads: those of the libraries do not mind
                pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                return request, list(given)
            *streams, tell = given
            for stream in streams:
                os.close(stream)
            tells[pid] = tell
            os.write(tell, f"{pid}\n".encode())


def _read(line: socket.socket, count: int) -> bytes:
    words = b""
    while len(words) < count:
        words += line.recv(count - len(words))
    return words


def _tell_ends(tells: dict[int, int]) -> None:
    while tells:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with suppress(BrokenPipeError):  # nobody asks any more
            os.write(tells[pid], f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os.close(tells.pop(pid))


def _become(request: dict[str, Any], given: list[int]) -> Callable[[], object]:
    """Make this process the one that was asked for, and return what it is to run."""
    for number, stream in enumerate(given[:3]):
        os.dup2(stream, number)
    os.closerange(3, 1 << 16)
    if request["session"]:
        os.setsid()
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        file = open(number, "wb" if number else "rb", 0 if number else -1, closefd=False)  # noqa: SIM115 - for good
        setattr(sys, name, io.TextIOWrapper(file, write_through=number > 0))
        setattr(sys, f"__{name}__", getattr(sys, name))
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    kind, *arguments = request["command"]
    python = kind == sys.executable
    if python and arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        return partial(exec, compile(arguments[1], "<string>", "exec"), vars(main))
    if python and arguments[0] == "-m":
        sys.argv = arguments[1:]
        return partial(runpy.run_module, arguments[1], run_name="__main__", alter_sys=True)
    sys.argv = [kind, *arguments]
    [script] = entry_points(group="console_scripts", name=Path(kind).name)
    return lambda: sys.exit(script.load()())


def _main(descriptor: int) -> None:
    for name in LIBRARIES:
        importlib.import_module(name)
    line = socket.socket(fileno=descriptor)
    gc.collect()
    gc.freeze()
    if (asked := _serve(line)) is not None:
        line.detach()
        _become(*asked)()


if __name__ == "__main__":
    _main(int(sys.argv[1]))
