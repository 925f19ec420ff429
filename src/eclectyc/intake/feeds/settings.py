"""What each kind of feed is told, checked field by field. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from eclectyc.intake.feeds.host_keys import fingerprint
from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.typed_numbers import plain_number

LEAVE, MOVE, DELETE = "leave", "move", "delete"
AFTERWARDS: Final = (LEAVE, MOVE, DELETE)
AUTHORISATIONS: Final = ("none", "bearer", "basic", "header")
_LONGEST: Final = 500
_MOST_DIGITS: Final = 9
_AS_IT_IS: Final = ("bearer", "header")  # how a token is sent in plain characters
_OF_HEADERS: Final = "!#$%&'*+-.^_`|~"


@dataclass(frozen=True, slots=True)
class SettingField:
    """A setting: its words, its usual value, and what it may be."""

    name: str
    label: str
    usual: Any = ""
    help: str = ""
    is_required: bool = False
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None


_FILES: Final = (
    SettingField("path", "Folder", is_required=True),
    SettingField("pattern", "Files", "*", "Names with * and ?, several parted by commas: *.csv, *.xlsx"),
    SettingField("after", "After reading", LEAVE, "What becomes of the file where it lay.", choices=AFTERWARDS),
    SettingField("move_to", "Folder for files that were read", help="Where they are to be moved."),
    SettingField(
        "settle_s",
        "Left alone for",
        30,
        "Seconds without a change before a file is taken as whole.",
        least=0,
        most=86400,
    ),
)
FIELDS: Final[dict[str, tuple[SettingField, ...]]] = {
    "sftp": (
        SettingField("host", "Server", is_required=True),
        SettingField("port", "Port", 22, least=1, most=65535),
        SettingField("username", "User name", is_required=True),
        SettingField(
            "host_key",
            "Host key of the server",
            is_required=True,
            help="As ssh-keyscan prints it, or its SHA256 fingerprint: the connection is refused where it differs.",
        ),
        *_FILES,
    ),
    "folder": _FILES,
    "https": (
        SettingField(
            "url", "Address", is_required=True, help="{from} and {to} become the first and last moment wanted, in UTC."
        ),
        SettingField("authorisation", "Authorisation", "bearer", "How the token is sent.", choices=AUTHORISATIONS),
        SettingField("header", "Name of the header", "X-API-Key", "Where the token has a header of its own."),
        SettingField("first_days", "Days at first", 30, "How far back the first look goes.", least=1, most=3660),
        SettingField(
            "overlap_days", "Days anew", 3, "How many days are fetched again, for corrections.", least=0, most=366
        ),
    ),
}
SECRETS: Final[dict[str, tuple[str, ...]]] = {
    "sftp": ("password", "private_key", "passphrase"),
    "folder": (),
    "https": ("token",),
}


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """Settings and secrets that can be used."""

    settings: dict[str, Any]
    secrets: dict[str, str] = field(repr=False)


def check_settings(kind: str, said: Mapping[str, Any], secrets: Mapping[str, str]) -> FeedSettings:
    """Return what a feed of a kind is told, with the usual for what is not said. Raises ``Invalid``."""
    if kind not in FIELDS:
        raise Invalid(f"There is no kind of feed {kind!r}.", f"Use one of {', '.join(FIELDS)}.", field="kind")
    known = {one.name for one in FIELDS[kind]}
    for name in (*(set(said) - known), *(set(secrets) - set(SECRETS[kind]))):
        raise Invalid(f"A feed of this kind has no {name}.", "Leave it out.", field=name)
    values = {one.name: _value(one, said.get(one.name)) for one in FIELDS[kind]}
    if values.get("after") == MOVE and not values["move_to"]:
        raise Invalid("Say where files are to be moved.", "Name a folder.", field="move_to")
    if kind == "https":
        _check_url(values["url"])
        _check_header(values["header"])
        if values["authorisation"] in _AS_IT_IS:
            _check_token(secrets.get("token", ""))
    if kind == "sftp":
        fingerprint(values["host_key"])
    if kind == "sftp" and not (secrets.get("password") or secrets.get("private_key")):
        raise Invalid("A password or a private key is needed.", "Give one of them.", field="password")
    return FeedSettings(values, {name: text for name, text in secrets.items() if text})


def _value(one: SettingField, said: Any) -> Any:
    if said is None or (isinstance(said, str) and not said.strip()):
        if one.is_required:
            raise Invalid(f"{one.label} is needed.", "Fill it in.", field=one.name)
        return one.usual
    if isinstance(one.usual, int):
        return _whole(one, said)
    text = str(said).strip()
    if len(text) > _LONGEST or not text.isprintable():
        raise Invalid(f"{one.label} is too long, or holds signs that cannot be printed.", "Check it.", field=one.name)
    if one.choices and text not in one.choices:
        raise Invalid(f"{one.label} cannot be {text!r}.", f"Use one of {', '.join(one.choices)}.", field=one.name)
    return text


def _whole(one: SettingField, said: Any) -> int:
    text = plain_number(str(said), one.label, field=one.name)
    number = int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else -1
    if not (one.least or 0) <= number <= (one.most or 0):
        raise Invalid(f"{one.label} is a whole number from {one.least} to {one.most:,}.", "Enter one.", field=one.name)
    return number


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or a bracket that cannot be
        is_whole = False
    if not is_whole:
        raise Invalid("That is no web address.", "Copy it from the provider's pages.", field="url")
    if parts.scheme not in ("https", "http"):
        raise Invalid("The address has to begin with https://.", "Copy it from the provider's pages.", field="url")
    if parts.username or parts.password:
        raise Invalid("The address holds a name or password.", "Give the token in its own field.", field="url")


def _check_header(name: str) -> None:
    if not all(sign.isascii() and (sign.isalnum() or sign in _OF_HEADERS) for sign in name):
        raise Invalid("A header has no such name.", "Letters, digits and dashes, such as X-API-Key.", field="header")


def _check_token(token: str) -> None:
    """It goes over the line as it is."""
    if not (token.isascii() and token.isprintable()):
        raise Invalid("The token holds signs that no token has.", "Copy it again, without line ends.", field="token")
