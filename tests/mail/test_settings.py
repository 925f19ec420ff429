"""EMAIL_URL and ECLECTYC_URL: what is taken, and one line for what is not."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from eclectyc.configuration import Configuration, MailServer


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example.org", MailServer("mail.example.org", 25, "", "", "", "")),
        (
            "smtp://user:p%40ss%2Fw@mail.example.org:2525?tls=starttls&from=energy@example.org",
            MailServer("mail.example.org", 2525, "user", "p@ss/w", "starttls", "energy@example.org"),
        ),
        ("smtp://mail.example.org?tls=ssl", MailServer("mail.example.org", 465, "", "", "ssl", "")),
        ("smtp://mail.example.org?tls=starttls", MailServer("mail.example.org", 587, "", "", "starttls", "")),
    ],
)
def test_a_mail_server_is_read_from_its_address(url: str, server: MailServer) -> None:
    assert Configuration(EMAIL_URL=url).mail_server == server


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.org",
        "http://mail.example.org",
        "smtp://",
        "smtp://u:s3cret/x@h",
        "smtp://u:s3cret@h:p",
        "smtp://u:s3cret@h?tls=yes",
        "smtp://u:s3cret@h?tsl=ssl",
        "smtp://u:s3cret@h?from=nobody",
    ],
)
def test_what_is_no_mail_server_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Configuration(EMAIL_URL=url)
    assert "s3cret" not in refused.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    ("set_to", "address"),
    [
        ({}, "http://localhost:8000"),
        ({"ALLOWED_HOSTS": "energy.example.org,10.0.0.5"}, "http://energy.example.org"),
        ({"ALLOWED_HOSTS": ".example.org,e.example.org", "ECLECTYC_HTTPS": "true"}, "https://e.example.org"),
        ({"ECLECTYC_URL": "https://energy.example.org:8443/"}, "https://energy.example.org:8443"),
    ],
)
def test_links_are_made_from_what_is_configured(set_to: dict[str, str], address: str) -> None:
    assert Configuration(**set_to).address == address


@pytest.mark.parametrize(
    "url", ["energy.example.org", "ftp://x", "https://", "https://x/path", "https://x:port", "https://x?y"]
)
def test_an_address_is_that_of_a_web_site(url: str) -> None:
    with pytest.raises(ValidationError):
        Configuration(ECLECTYC_URL=url)
