"""The settings of an installation: from the environment, then ``.env`` in the home, then the defaults here."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from platformdirs import user_data_path
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from eclectyc.kernel.errors import EclectycError


class BadConfiguration(EclectycError):
    """A setting that is not usable: the start ends with this one line."""

    code = "configuration"


@dataclass(frozen=True, slots=True)
class MailServer:
    """``smtp://user:password@host:port?tls=starttls|ssl&from=energy@example.org``; percent-encoded if needed."""

    host: str
    port: int
    user: str
    password: str
    tls: str  # "starttls", "ssl" or ""
    sender: str

    @classmethod
    def from_url(cls, url: str) -> MailServer:
        """Parse an address, or raise ``ValueError``, whose message never contains the password."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            raise ValueError("its port is not a number (a / or @ in a password is written %2F or %40)") from None
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        tls, sender = options.pop("tls", ""), options.pop("from", "")
        if parts.scheme != "smtp" or not parts.hostname or parts.path not in ("", "/") or options:
            raise ValueError("use smtp://user:password@host:port?tls=starttls&from=energy@example.org")
        if tls not in ("", "starttls", "ssl"):
            raise ValueError("tls must be starttls or ssl")
        if sender and ("@" not in sender or any(letter.isspace() for letter in sender)):
            raise ValueError("from must be an email address")
        default = {"ssl": 465, "starttls": 587, "": 25}[tls]
        return cls(
            parts.hostname, port or default, unquote(parts.username or ""), unquote(parts.password or ""), tls, sender
        )


def home_folder() -> Path:
    """Return the data folder: ``ECLECTYC_HOME``, or the platform's user data folder."""
    named = os.environ.get("ECLECTYC_HOME", "").strip()
    return Path(named).expanduser().resolve() if named else user_data_path("eclectyc", appauthor=False)


class Configuration(BaseSettings):
    """Every setting, with its name in the environment; ``.env.example`` explains each."""

    model_config = SettingsConfigDict(env_file_encoding="utf-8", extra="ignore", case_sensitive=False)

    home: Path = Field(default_factory=home_folder, validation_alias="ECLECTYC_HOME")
    database_url: str = Field("", validation_alias="DATABASE_URL")
    lake: str = Field("", validation_alias="ECLECTYC_LAKE")
    lake_buckets: int = Field(1, ge=1, le=4096, validation_alias="ECLECTYC_LAKE_BUCKETS")
    dask_scheduler: str = Field("", validation_alias="ECLECTYC_DASK_SCHEDULER")
    secret_key: str = Field("", validation_alias="SECRET_KEY")
    allowed_hosts: Annotated[list[str], NoDecode] = Field([], validation_alias="ALLOWED_HOSTS")
    admin_email: str = Field("", validation_alias="ADMIN_EMAIL")
    https: bool = Field(False, validation_alias="ECLECTYC_HTTPS")
    time_zone: str = Field("Europe/London", validation_alias="ECLECTYC_TIMEZONE")
    public_url: str = Field("", validation_alias="ECLECTYC_URL")
    email_url: str = Field("", validation_alias="EMAIL_URL")
    token_requests_per_minute: int = Field(600, ge=1, le=10**6, validation_alias="ECLECTYC_TOKEN_REQUESTS")
    proxies: int = Field(0, ge=0, le=10, validation_alias="ECLECTYC_PROXIES")
    session_hours: int = Field(12, ge=1, le=24 * 30, validation_alias="ECLECTYC_SESSION_HOURS")
    session_idle_minutes: int = Field(240, ge=5, le=24 * 60 * 30, validation_alias="ECLECTYC_SESSION_IDLE_MINUTES")
    second_factor: Literal["", "operators", "everybody"] = Field("", validation_alias="ECLECTYC_SECOND_FACTOR")
    oidc_issuer: str = Field("", validation_alias="OIDC_ISSUER")
    oidc_client_id: str = Field("", validation_alias="OIDC_CLIENT_ID")
    oidc_client_secret: str = Field("", validation_alias="OIDC_CLIENT_SECRET")
    oidc_domains: Annotated[list[str], NoDecode] = Field([], validation_alias="OIDC_DOMAINS")
    oidc_organisation: str = Field("", max_length=200, validation_alias="OIDC_ORGANISATION")
    oidc_name: str = Field("Single sign-on", max_length=40, validation_alias="OIDC_NAME")
    debug: bool = Field(False, validation_alias="ECLECTYC_DEBUG")

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("oidc_domains", mode="before")
    @classmethod
    def _domains(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        domains = [part.strip().lower() for part in value.split(",") if part.strip()]
        for domain in domains:
            if not re.fullmatch(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]{2,}", domain):
                raise ValueError(f"{domain!r} is not a domain; write it in full, as energy.example.org")
        return domains

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and not value.startswith(("postgres://", "postgresql://", "sqlite:///")):
            raise ValueError("use postgresql://user:password@host:port/name or sqlite:///path")
        try:
            urlsplit(value).port  # noqa: B018 - reading it checks it
        except ValueError:
            raise ValueError("its port is not a number (a / or @ in a password is written %2F or %40)") from None
        return value

    @field_validator("lake")
    @classmethod
    def _known_store(cls, value: str) -> str:
        if "://" in value and not value.startswith(("s3://", "s3a://", "file:///")):
            raise ValueError("use a folder or s3://bucket/path")
        return value

    @field_validator("admin_email")
    @classmethod
    def _is_address(cls, value: str) -> str:
        name, _, domain = value.rpartition("@")
        if value and not (name and domain and " " not in value):
            raise ValueError("write it as name@example.org")
        return value

    @field_validator("public_url")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.path in ("", "/")
            is_good = is_good and not parts.query and not parts.fragment and parts.port != 0
        except ValueError:
            is_good = False
        if value and not is_good:
            raise ValueError("write it as https://energy.example.org")
        return value.rstrip("/")

    @field_validator("oidc_issuer")
    @classmethod
    def _is_issuer(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            is_local = parts.hostname in ("localhost", "127.0.0.1", "::1")
            is_good = bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and is_local))
            is_good = is_good and not parts.query and not parts.fragment and parts.port != 0
        except ValueError:
            is_good = False
        if value and not is_good:
            raise ValueError("write it as https://login.example.org, as the provider states it")
        return value.rstrip("/")

    @field_validator("email_url")
    @classmethod
    def _is_mail_server(cls, value: str) -> str:
        if value:
            MailServer.from_url(value)
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        from eclectyc.kernel.days import zone_of

        try:
            return zone_of(value).key
        except EclectycError as error:
            raise ValueError(f"{error.reason.rstrip('.')}; use a name such as Europe/London") from None

    @property
    def address(self) -> str:
        """The address of this installation, for links in emails: never from a request, which can be forged."""
        if self.public_url:
            return self.public_url
        named = [host for host in self.allowed_hosts if not host.startswith((".", "*"))]
        if not named:
            return "http://localhost:8000"
        return f"{'https' if self.https else 'http'}://{named[0]}"

    @property
    def mail_server(self) -> MailServer | None:
        """The server for outgoing emails; None: they are written to the home."""
        return MailServer.from_url(self.email_url) if self.email_url else None

    @property
    def mail_sender(self) -> str:
        server = self.mail_server
        return (server.sender if server else "") or self.admin_email or "eclectyc@localhost"

    @property
    def lake_url(self) -> str:
        """The folder of the lake, or ``s3://bucket/path``."""
        return self.lake or str(self.home / "lake")


def load() -> Configuration:
    """Read the configuration, or raise ``BadConfiguration`` naming the first wrong setting."""
    env_file = home_folder() / ".env"
    _check_env_file(env_file)
    try:
        return Configuration(_env_file=env_file)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        message = str(first["msg"]).removeprefix("Value error, ")
        raise BadConfiguration(f"{name} is not usable: {message}.", "See .env.example.", field=name) from None


def _check_env_file(path: Path) -> None:
    """Raise ``BadConfiguration`` if the file exists but cannot be read as settings."""
    from dotenv.parser import parse_stream

    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadConfiguration(f"{path} cannot be read: {why}.", "Correct or delete it.", field=".env") from None
    for found in parse_stream(StringIO(text)):
        if found.error:
            line = found.original.line
            raise BadConfiguration(f"Line {line} of {path} is not a setting.", "Write NAME=value.", field=".env")


def create_home(home: Path) -> None:
    """Create the data folder, readable by its owner only."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise BadConfiguration(
            f"The data folder {home} cannot be created: {error.strerror}.",
            "Set ECLECTYC_HOME to a folder that you may write to.",
            field="ECLECTYC_HOME",
        ) from None


def secret_key(home: Path) -> str:
    """Return the key that signs sessions, from its file in the home."""
    return read_key_file(home, "secret_key")


def read_key_file(home: Path, name: str) -> str:
    """Return the key in a file of the home. A missing file is created with a new key and mode 0600."""
    path = home / name
    if not path.exists():
        create_home(home)
        write_key_file(path, secrets.token_urlsafe(50), replace=False)
    key = path.read_text().strip()
    if not key:
        raise BadConfiguration(
            f"The key in {path} is empty.", "Restore it from a copy; or delete that file, and a new key is created."
        )
    return key


def write_key_file(path: Path, text: str, *, replace: bool) -> None:
    """Write a key file atomically and durably, readable by its owner only.

    Without ``replace`` an existing file stays as it is: another process was quicker, and its key is used.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            draft.replace(path)
        else:
            with suppress(FileExistsError):
                _place_unless_present(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _place_unless_present(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if not path.exists():
            draft.replace(path)
