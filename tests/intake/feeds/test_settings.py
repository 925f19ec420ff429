"""What feeds are told, however odd: taken, or refused by name. Nothing else comes of it."""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclectyc.intake.feeds.connection import Unreachable, addresses_of
from eclectyc.intake.feeds.host_keys import fingerprint
from eclectyc.intake.feeds.settings import FIELDS, SECRETS, check_settings
from eclectyc.kernel.errors import Invalid

BLOB = base64.b64encode(b"\0\0\0\x0bssh-ed25519" + bytes(36)).decode()
KEY = f"host ssh-ed25519 {BLOB}"
SFTP = {"host": "h", "username": "u", "host_key": KEY, "path": "/in"}
TEXTS = st.one_of(
    st.text(max_size=40), st.sampled_from(["http://[::1", "https://x:99999/", "https://x:0", "SHA256:", "ssh-rsa AA"])
)


@pytest.mark.parametrize(
    ("kind", "said", "secrets", "field"),
    [
        ("https", {"url": "https://[::1"}, {}, "url"),
        ("https", {"url": "https://example.com:99999/x"}, {}, "url"),
        ("https", {"url": "https://example.com:port/x"}, {}, "url"),
        ("https", {"url": "https://example.com", "header": "X Key"}, {}, "header"),
        ("https", {"url": "https://example.com"}, {"token": "schlüssel"}, "token"),
        ("https", {"url": "https://example.com"}, {"token": "two\nlines"}, "token"),
        ("https", {"url": "https://example.com", "first_days": "9" * 5000}, {}, "first_days"),
        ("sftp", {**SFTP, "host_key": "hello"}, {"password": "p"}, "host_key"),
        ("sftp", {**SFTP, "host_key": "ssh-ed25519"}, {"password": "p"}, "host_key"),
        ("sftp", {**SFTP, "host_key": "ssh-ed25519 not*base64"}, {"password": "p"}, "host_key"),
        ("sftp", {**SFTP, "host_key": "SHA256:short"}, {"password": "p"}, "host_key"),
        ("sftp", {**SFTP, "host_key": "SHA256:é"}, {"password": "p"}, "host_key"),
        ("sftp", {**SFTP, "port": 70000}, {"password": "p"}, "port"),
    ],
    ids=range(13),
)
def test_what_cannot_be_is_refused_by_name(kind: str, said: dict[str, Any], secrets: dict[str, str], field: str):
    with pytest.raises(Invalid) as refused:
        check_settings(kind, said, secrets)
    assert refused.value.field == field


@given(st.data())
def test_odd_settings_are_taken_or_refused(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(FIELDS)))
    said = data.draw(st.fixed_dictionaries({one.name: TEXTS for one in FIELDS[kind]}))
    secrets = data.draw(st.fixed_dictionaries(dict.fromkeys(SECRETS[kind], TEXTS)))
    with suppress(Invalid):
        assert set(check_settings(kind, said, secrets).settings) == set(said)


def test_a_key_and_its_fingerprint_are_one() -> None:
    printed = "SHA256:" + base64.b64encode(hashlib.sha256(base64.b64decode(BLOB)).digest()).decode().rstrip("=")
    assert fingerprint(KEY) == fingerprint(f"{KEY} root@host") == fingerprint(f" {printed} ") == printed


def test_a_line_of_ssh_keyscan_is_taken_whatever_the_host_is_called() -> None:
    for host in ("ssh-files.example.com", "ecdsa-host", "[sftp.example.com]:2222"):
        assert fingerprint(f"{host} ssh-ed25519 {BLOB}") == fingerprint(KEY)
    assert fingerprint(fingerprint(KEY) + "=") == fingerprint(KEY)


def test_a_name_and_password_may_hold_what_a_bare_token_may_not() -> None:
    said, secret = {"url": "https://example.com"}, {"token": "shop:Pässwört£"}
    assert check_settings("https", {**said, "authorisation": "basic"}, secret).secrets == secret
    for how in ("bearer", "header"):
        with pytest.raises(Invalid, match="no token has"):
            check_settings("https", {**said, "authorisation": how}, secret)


@pytest.mark.parametrize("host", ["a..b", "x" * 300, "é" * 70 + ".org"])
def test_a_name_that_no_server_can_have_is_reported(host: str) -> None:
    with pytest.raises(Unreachable):
        addresses_of(host, 22, may_be_private=False)
