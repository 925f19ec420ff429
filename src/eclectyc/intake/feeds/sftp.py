"""Feeds from an SFTP folder. The server's host key is pinned: nothing is sent to a server with another key."""

from __future__ import annotations

import io
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from posixpath import join
from typing import Any, BinaryIO, Final

import paramiko

from eclectyc.intake.feeds.connection import RemoteFile, Unreachable, addresses_of, limit_files, matches_pattern
from eclectyc.intake.feeds.host_keys import fingerprint, kind_of
from eclectyc.intake.feeds.settings import DELETE, MOVE
from eclectyc.kernel.errors import Invalid

TIMEOUT_S: Final = 30.0
_KEY_KINDS: Final = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


class SftpConnection:
    """The files of one folder of a server."""

    def __init__(self, client: paramiko.SFTPClient, settings: dict[str, Any]) -> None:
        self._client = client
        self._path: str = settings["path"]
        self._pattern: str = settings["pattern"]
        self._after: str = settings["after"]
        self._move_to: str = join(self._path, settings["move_to"]) if settings["move_to"] else ""

    def list_files(self) -> list[RemoteFile]:
        with _explain_errors(f"The folder {self._path} cannot be read"):
            return limit_files(
                RemoteFile(one.filename, int(one.st_size or 0), int(one.st_mtime or 0))
                for one in self._client.listdir_iter(self._path)
                if stat.S_ISREG(one.st_mode or 0) and matches_pattern(one.filename, self._pattern)
            )

    def test(self) -> list[RemoteFile]:
        return self.list_files()

    def fetch(self, file: RemoteFile, into: BinaryIO) -> None:
        with _explain_errors(f"{file.name} cannot be read"):
            self._client.getfo(join(self._path, file.name), into, max_concurrent_prefetch_requests=64)

    def archive(self, file: RemoteFile) -> None:
        path = join(self._path, file.name)
        with _explain_errors(f"{file.name} cannot be moved or deleted"):
            if not self._is_there(path):
                return
            if self._after == DELETE:
                self._client.remove(path)
            elif self._after == MOVE:
                target = join(self._move_to, file.name)
                if self._is_there(target):
                    target = join(self._move_to, f"{file.changed}-{file.name}")
                self._client.rename(path, target)

    def _is_there(self, path: str) -> bool:
        try:
            self._client.stat(path)
        except FileNotFoundError:
            return False
        return True


@contextmanager
def open_sftp(settings: dict[str, Any], secrets: dict[str, str], *, may_be_private: bool) -> Iterator[SftpConnection]:
    """Connect to a server with the pinned host key, and sign in."""
    with _connected(settings["host"], settings["port"], settings["host_key"], may_be_private) as transport:
        _sign_in(transport, settings["username"], secrets)
        with _explain_errors("The server does not answer as an SFTP server"):
            client = paramiko.SFTPClient.from_transport(transport)
        if client is None:
            raise Unreachable("The server does not answer as an SFTP server.", "Ask its operator.")
        channel = client.get_channel()
        if channel is not None:
            channel.settimeout(TIMEOUT_S)
        with client:
            yield SftpConnection(client, settings)


def host_key_of(host: str, port: int, *, may_be_private: bool) -> str:
    """Return a server's host key, to compare it with its operator's and then pin it."""
    with _connected(host, port, "", may_be_private) as transport:
        key = transport.get_remote_server_key()
        return f"{key.get_name()} {key.get_base64()}"


@contextmanager
def _connected(host: str, port: int, pinned: str, may_be_private: bool) -> Iterator[paramiko.Transport]:
    transport = paramiko.Transport(_socket(host, port, may_be_private))
    transport.banner_timeout = transport.auth_timeout = TIMEOUT_S
    try:
        if kind := kind_of(pinned):  # a server with several keys is asked for the pinned one
            kinds = transport.get_security_options()
            like = ("rsa-sha2-512", "rsa-sha2-256", kind) if kind == "ssh-rsa" else (kind,)
            kinds.key_types = [known for known in like if known in kinds.key_types]
        with _explain_errors(f"{host} does not answer as an SFTP server"):
            transport.start_client(timeout=TIMEOUT_S)
        if pinned:
            shown = transport.get_remote_server_key()
            _check_key(host, f"{shown.get_name()} {shown.get_base64()}", pinned)
        yield transport
    finally:
        transport.close()


def _check_key(host: str, shown: str, pinned: str) -> None:
    if fingerprint(shown) != fingerprint(pinned):
        raise Invalid(
            f"The host key of {host} is not the pinned one ({fingerprint(shown)}). Nothing was sent.",
            "Ask its operator whether the key was changed; if so, enter the new one.",
            field="host_key",
        )


def _socket(host: str, port: int, may_be_private: bool) -> socket.socket:
    last: OSError | None = None
    for family, kind, protocol, _, address in addresses_of(host, port, may_be_private=may_be_private):
        found = socket.socket(family, kind, protocol)
        found.settimeout(TIMEOUT_S)
        try:
            found.connect(address)
        except OSError as error:
            found.close()
            last = error
        else:
            return found
    raise Unreachable(
        f"{host} does not answer on port {port}: {last}.", "Check the server's name and port.", field="host"
    )


def _sign_in(transport: paramiko.Transport, username: str, secrets: dict[str, str]) -> None:
    try:
        if secrets.get("private_key"):
            transport.auth_publickey(username, _private_key(secrets["private_key"], secrets.get("passphrase")))
        else:
            transport.auth_password(username, secrets.get("password", ""))
    except paramiko.AuthenticationException:
        raise Invalid(
            "The server refused the sign-in.", "Check user name, password or key.", field="username"
        ) from None
    except (paramiko.SSHException, OSError) as error:
        raise Unreachable(f"The sign-in was interrupted: {error}.", "It will be retried.") from None


def _private_key(text: str, passphrase: str | None) -> paramiko.PKey:
    for kind in _KEY_KINDS:
        try:
            return kind.from_private_key(io.StringIO(text), password=passphrase or None)
        except paramiko.PasswordRequiredException:
            raise Invalid("The private key has a passphrase.", "Enter the passphrase.", field="passphrase") from None
        except (paramiko.SSHException, ValueError):
            continue
    raise Invalid("The private key cannot be read.", "Enter an OpenSSH or PEM key.", field="private_key")


@contextmanager
def _explain_errors(what: str) -> Iterator[None]:
    """Turn an error of the connection into one with a reason and a remedy."""
    try:
        yield
    except UnicodeError:
        raise Invalid(f"{what}: the name of a file there is not in UTF-8.", "Ask the sender to rename it.") from None
    except (paramiko.SSHException, OSError, EOFError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise Unreachable(f"{what}: {why}.", "It will be retried.") from None
