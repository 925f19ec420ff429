"""Letters, through a real mail server on loopback and, without one, into the home."""

from __future__ import annotations

import email
import logging
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from eclectyc.mail.letters import Letter, LetterLogo, NotSent, send
from tests.serving import free_port

PASSWORD = "p@ss/word & more"
LETTER = Letter(
    to="reader@there.example",
    subject="Invitation to\r\nBcc: other@x.example <b>Quay</b>",
    template="invitation",
    facts={"organisation": "<script>Quay</script>", "role": "viewer", "link": "http://localhost/invitation/s3cret"},
    brand="Häfen & Söhne",
    colour="#ffdd00",
    ink="#000000",
    logo=LetterLogo(b"\x89PNG\r\n\x1a\n" + bytes(30), "image/png"),
)


class Post:
    """A mail server that keeps what it is given, from whoever knows the password."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], Any]] = []
        self.refuses = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuses:
            return "554 reader@there.example is not wanted here"
        parsed = email.message_from_bytes(envelope.content, policy=default)
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, parsed))
        return "250 OK"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        is_known = isinstance(data, LoginPassword) and (data.login, data.password) == (b"user", PASSWORD.encode())
        return AuthResult(success=is_known)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of this machine's own for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = tmp_path / "certificate.pem", tmp_path / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


@pytest.fixture
def post(settings: Any, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    """A server that asks for STARTTLS and a password, and whose certificate this process trusts."""
    handler, port = Post(), free_port()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    controller = Controller(
        handler,
        hostname="127.0.0.1",
        port=port,
        authenticator=handler.authenticate,
        auth_required=True,
        tls_context=context,
        require_starttls=True,
    )
    monkeypatch.setattr(logging.getLogger("mail.log"), "disabled", True)  # of a handshake that is meant to fail
    controller.start()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "user", PASSWORD
    settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = True, False
    settings.DEFAULT_FROM_EMAIL = "energy@here.example"
    yield handler
    controller.stop()


def test_a_letter_arrives_as_text_and_html_in_the_look_of_its_organisation(post: Post) -> None:
    send(LETTER)
    [(sender, readers, mail)] = post.mails
    assert (sender, readers) == ("energy@here.example", ["reader@there.example"])
    assert mail["From"] == "Häfen & Söhne <energy@here.example>"
    assert mail["Subject"] == "Invitation to Bcc: other@x.example Quay"  # one line, and nobody else's copy
    assert mail["Bcc"] is None
    text, html = mail.get_body(("plain",)).get_content(), mail.get_body(("html",)).get_content()
    assert "http://localhost/invitation/s3cret" in text
    assert "<script>" not in html
    assert "&lt;script&gt;Quay" in html
    assert "background: #ffdd00; color: #000000" in html
    pictures = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert [part["Content-ID"] for part in pictures] == ["<logo>"]
    assert "http" not in "".join(line for line in html.splitlines() if "<img" in line)  # nothing is fetched


@pytest.mark.parametrize("why", ["password", "refused", "gone", "stranger"])
def test_a_refused_letter_is_logged_without_a_secret(
    why: str, post: Post, settings: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_HOST_PASSWORD = "wrong" if why == "password" else PASSWORD
    settings.EMAIL_TIMEOUT = 3  # the server says nothing more after a wrong password
    post.refuses = why == "refused"
    if why == "gone":
        settings.EMAIL_PORT = 1
    if why == "stranger":  # a server that cannot prove who it is gets neither the password nor the letter
        monkeypatch.delenv("SSL_CERT_FILE")
    caplog.set_level(logging.DEBUG, logger="eclectyc")
    with pytest.raises(NotSent) as refused:
        send(LETTER)
    told = caplog.text + str(refused.value)
    assert "invitation" in told
    assert not [secret for secret in ("s3cret", PASSWORD, "wrong", "there.example") if secret in told]


def test_without_a_server_a_letter_is_written_into_the_home_for_its_owner_alone(tmp_path: Path, settings: Any) -> None:
    settings.EMAIL_BACKEND = "eclectyc.mail.file_backend.FolderBackend"
    settings.HOME = tmp_path
    send(LETTER)
    send(LETTER)
    first, _ = sorted((tmp_path / "mail").iterdir())
    assert first.suffix == ".eml"
    assert [path.stat().st_mode & 0o777 for path in (first.parent, first)] == [0o700, 0o600]
    read = email.message_from_bytes(first.read_bytes(), policy=default)
    assert read["To"] == "reader@there.example"
    assert "s3cret" in read.get_body(("plain",)).get_content()
