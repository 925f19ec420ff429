"""What an installation may set: environment first, then ``.env`` in the home, then the defaults here."""

from __future__ import annotations

import os
import secrets
from io import StringIO
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from eclectyc.kernel.errors import EclectycError


class BadConfiguration(EclectycError):
    """A setting that cannot be taken: the start stops with this one line."""

    code = "configuration"


def home_folder() -> Path:
    """Return the data folder: ``ECLECTYC_HOME``, else the platform's user data folder."""
    named = os.environ.get("ECLECTYC_HOME", "").strip()
    return Path(named).expanduser().resolve() if named else user_data_path("eclectyc", appauthor=False)


class Configuration(BaseSettings):
    """Every setting by the name it has in the environment; ``.env.example`` says what each is for."""

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
    debug: bool = Field(False, validation_alias="ECLECTYC_DEBUG")

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and not value.startswith(("postgres://", "postgresql://", "sqlite:///")):
            raise ValueError("use postgresql://user:password@host:port/name or sqlite:///path")
        try:
            urlsplit(value).port  # noqa: B018 - reading it checks it
        except ValueError:
            raise ValueError("its port is no number (a / or @ in a password is written %2F or %40)") from None
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

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        from eclectyc.kernel.days import zone_of

        try:
            return zone_of(value).key
        except EclectycError as error:
            raise ValueError(f"{error.reason.rstrip('.')}; use a name such as Europe/London") from None

    @property
    def lake_url(self) -> str:
        """Where the readings are: a folder, or ``s3://bucket/path``."""
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
    """Raise ``BadConfiguration`` where the file is there but no settings can be read out of it."""
    from dotenv.parser import parse_stream

    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadConfiguration(f"{path} cannot be read: {why}.", "Mend it, or take it away.", field=".env") from None
    for found in parse_stream(StringIO(text)):
        if found.error:
            line = found.original.line
            raise BadConfiguration(f"Line {line} of {path} is no setting.", "Write NAME=value.", field=".env")


def make_home(home: Path) -> None:
    """Make the data folder, readable by its owner only."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise BadConfiguration(
            f"The data folder {home} cannot be made: {error.strerror}.",
            "Set ECLECTYC_HOME to a folder that you may write.",
            field="ECLECTYC_HOME",
        ) from None


def secret_of(home: Path) -> str:
    """Return this installation's secret key; it is made once and kept in the home with mode 0600."""
    path = home / "secret_key"
    if not path.exists():
        make_home(home)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass  # another process was quicker: its key is the key
        else:
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_urlsafe(50))
                file.flush()
                os.fsync(file.fileno())
    key = path.read_text().strip()
    if not key:
        raise BadConfiguration(
            f"The secret key in {path} is empty.", "Delete that file; a new key is made at the next start."
        )
    return key
