"""Requests whose body does not come, comes slowly, or is too large, over real sockets."""

from __future__ import annotations

import json
import socket
import time
import urllib.request
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.tokens import create_token
from eclectyc.door.limits import STRANGER, BodyPace
from tests.factories import World
from tests.serving import THREADS, Served

pytestmark = pytest.mark.django_db(transaction=True)


def send(served: Served, start: bytes, *, path: str = "/accounts/login/", headers: str = "") -> socket.socket:
    """Send the headers of a POST and the start of its body."""
    at = urlsplit(served.url)
    line = socket.create_connection((at.hostname, at.port), timeout=40)
    line.sendall(f"POST {path} HTTP/1.1\r\nHost: {at.netloc}\r\n{headers}\r\n".encode() + start)
    return line


def answer(line: socket.socket) -> str:
    """Return what the server sends until it closes the connection."""
    parts = []
    with line:
        while part := line.recv(65536):
            parts.append(part)
    return b"".join(parts).decode()


def test_a_page_answers_while_more_bodies_are_missing_than_there_are_threads(served: Served) -> None:
    lines = [send(served, b"login=x", headers="Content-Length: 1000\r\n") for _ in range(THREADS + 2)]
    lines += [send(served, b"5\r\nlogin", headers="Transfer-Encoding: chunked\r\n") for _ in range(THREADS + 2)]
    began = time.monotonic()
    with urllib.request.urlopen(f"{served.url}/api/health", timeout=5) as page:
        assert page.status == 200
    assert time.monotonic() - began < 5
    for line in lines:
        assert answer(line).startswith("HTTP/1.1 408 ")
    assert time.monotonic() - began < BodyPace().first_s + 5


def test_a_body_that_drips_ends(served: Served) -> None:
    line, began = send(served, b"", headers="Content-Length: 1000\r\n"), time.monotonic()
    line.settimeout(0.5)
    received = b""
    with line:
        while not received and time.monotonic() - began < BodyPace().first_s + 5:
            line.sendall(b"x")
            with suppress(TimeoutError):
                received = line.recv(100)
    assert received.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began > BodyPace().first_s - 1


@pytest.mark.parametrize("headers", ["", "Authorization: Bearer made-up\r\n", "Cookie: sessionid=made-up\r\n"])
def test_a_large_body_of_a_stranger_is_refused_before_it_is_sent(served: Served, headers: str) -> None:
    length = f"Content-Length: {STRANGER + 1}\r\n"
    refused = answer(send(served, b"", path="/api/imports", headers=headers + length))
    head, _, body = refused.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 413 ")
    assert json.loads(body)["error"]["code"] == "too_large"
    assert "Sign in" in json.loads(body)["error"]["message"]


def test_a_chunked_body_of_a_stranger_is_refused_once_it_is_too_large(served: Served) -> None:
    part = b"x" * (STRANGER + 1)
    chunk = f"{len(part):x}\r\n".encode() + part + b"\r\n"
    line = send(served, chunk, path="/api/imports", headers="Transfer-Encoding: chunked\r\n")
    with line:
        assert line.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_large_file_of_a_known_sender_arrives_whole(served: Served, world: World, is_chunked: bool) -> None:
    _, secret = create_token(Actor.of(world.admin), user=world.admin, name="files", scope="manage")
    data = b"MPAN,Date\n" + b"x" * 3_000_000
    heads = f'--b\r\nContent-Disposition: form-data; name="organisation"\r\n\r\n{world.org.pk}\r\n--b\r\n'
    heads += 'Content-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    body = heads.encode() + data + b"\r\n--b--\r\n"
    headers = (
        f"Authorization: Bearer {secret}\r\nContent-Type: multipart/form-data; boundary=b\r\nConnection: close\r\n"
    )
    if is_chunked:
        headers += "Transfer-Encoding: chunked\r\n"
        body = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    else:
        headers += f"Content-Length: {len(body)}\r\n"
    got = answer(send(served, body, path="/api/imports", headers=headers))
    assert got.startswith("HTTP/1.1 202 "), got
    from eclectyc.intake.uploads.models import Upload

    assert Upload.objects.get().size == len(data)
    assert not list((served.home / "tmp").iterdir())
