"""A real OpenSSH server on loopback that serves one folder by SFTP, for as long as a test needs it."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.needs import sshd


@dataclass(frozen=True, slots=True)
class SftpServer:
    """Where it is, who may sign in with which key, and what it shows. ``folder`` is what it serves."""

    host: str
    port: int
    username: str
    private_key: str
    host_key: str
    other_host_key: str  # of nobody
    folder: Path


@contextmanager
def sftp_server(root: Path) -> Iterator[SftpServer]:
    """Start sshd with keys of its own, below ``root``, and stop it again."""
    program = sshd()
    assert program is not None
    Path("/run/sshd").mkdir(exist_ok=True) if os.geteuid() == 0 else None
    for name in ("host", "other", "user"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(root / name)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    (root / "authorized").write_text((root / "user.pub").read_text())
    folder = root / "served"
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = root / "sshd_config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {root / 'host'}\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {root / 'authorized'}\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n"
        "Subsystem sftp internal-sftp\n"
    )
    log = (root / "sshd.log").open("wb")
    server = subprocess.Popen([str(program), "-D", "-e", "-f", str(config)], stderr=log, stdin=subprocess.DEVNULL)
    try:
        _await(port, server)
        yield SftpServer(
            "127.0.0.1", port, getpass.getuser(), (root / "user").read_text(), (root / "host.pub").read_text(),
            (root / "other.pub").read_text(), folder,
        )  # fmt: skip
    finally:
        server.terminate()
        server.wait(10)
        log.close()


def _await(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        assert server.poll() is None, "sshd ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("sshd does not listen")
