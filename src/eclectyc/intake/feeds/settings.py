"""The settings of each kind of feed, checked field by field. Pure."""

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
_PLAIN_TEXT: Final = ("bearer", "header")  # how a token is sent in plain characters
_HEADER_SIGNS: Final = "!#$%&'*+-.^_`|~"


@dataclass(frozen=True, slots=True)
class SettingField:
    """A setting: its label and help, its default, and the values it may have."""

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
    SettingField("pattern", "Files", "*", "File patterns with * and ?, separated by commas: *.csv, *.xlsx"),
    SettingField(
        "after", "Afterwards", LEAVE, "What happens to a file at its source after reading.", choices=AFTERWARDS
    ),
    SettingField("move_to", "Folder for read files", help="Where files are moved after reading."),
    SettingField(
        "settle_s",
        "Wait until unchanged for (seconds)",
        30,
        "A file is read once it has not changed for this long.",
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
            help="A line of ssh-keyscan, or a SHA256 fingerprint. A server with another key is refused.",
        ),
        *_FILES,
    ),
    "folder": _FILES,
    "https": (
        SettingField(
            "url",
            "Address",
            is_required=True,
            help="{from} and {to} are replaced by the start and end of the requested time, in UTC.",
        ),
        SettingField("authorisation", "Authorisation", "bearer", "How the token is sent.", choices=AUTHORISATIONS),
        SettingField("header", "Header name", "X-API-Key", "If the token is sent in its own header."),
        SettingField("first_days", "Days at first", 30, "How far back the first check goes.", least=1, most=3660),
        SettingField(
            "overlap_days",
            "Days to fetch again",
            3,
            "How many days are fetched again, to find corrections.",
            least=0,
            most=366,
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
    """Valid settings and secrets."""

    settings: dict[str, Any]
    secrets: dict[str, str] = field(repr=False)


def check_settings(kind: str, given: Mapping[str, Any], secrets: Mapping[str, str]) -> FeedSettings:
    """Return valid settings of a kind of feed, with defaults; raise ``Invalid`` for the first fault."""
    if kind not in FIELDS:
        raise Invalid(f"There is no kind of feed {kind!r}.", f"Use one of {', '.join(FIELDS)}.", field="kind")
    known = {one.name for one in FIELDS[kind]}
    for name in (*(set(given) - known), *(set(secrets) - set(SECRETS[kind]))):
        raise Invalid(f"A feed of this kind has no {name}.", "Leave it out.", field=name)
    values = {one.name: _value(one, given.get(one.name)) for one in FIELDS[kind]}
    if values.get("after") == MOVE and not values["move_to"]:
        raise Invalid(
            "The folder for read files is missing.", "Enter the folder where files are moved.", field="move_to"
        )
    if kind == "https":
        _check_url(values["url"])
        _check_header(values["header"])
        if values["authorisation"] in _PLAIN_TEXT:
            _check_token(secrets.get("token", ""))
    if kind == "sftp":
        fingerprint(values["host_key"])
    if kind == "sftp" and not (secrets.get("password") or secrets.get("private_key")):
        raise Invalid("A password or a private key is required.", "Enter one of them.", field="password")
    return FeedSettings(values, {name: text for name, text in secrets.items() if text})


def _value(one: SettingField, given: Any) -> Any:
    if given is None or (isinstance(given, str) and not given.strip()):
        if one.is_required:
            raise Invalid(f"{one.label} is required.", "Fill it in.", field=one.name)
        return one.usual
    if isinstance(one.usual, int):
        return _whole(one, given)
    text = str(given).strip()
    if len(text) > _LONGEST or not text.isprintable():
        raise Invalid(f"{one.label} is too long, or contains unprintable characters.", "Correct it.", field=one.name)
    if one.choices and text not in one.choices:
        raise Invalid(f"{one.label} cannot be {text!r}.", f"Use one of {', '.join(one.choices)}.", field=one.name)
    return text


def _whole(one: SettingField, given: Any) -> int:
    text = plain_number(str(given), one.label, field=one.name)
    number = int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else -1
    if not (one.least or 0) <= number <= (one.most or 0):
        raise Invalid(
            f"{one.label} must be a whole number from {one.least} to {one.most:,}.", "Enter one.", field=one.name
        )
    return number


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:  # an impossible port or bracket
        is_whole = False
    if not is_whole:
        raise Invalid("This is not a web address.", "Copy it from the provider's pages.", field="url")
    if parts.scheme not in ("https", "http"):
        raise Invalid("The address must begin with https://.", "Copy it from the provider's pages.", field="url")
    if parts.username or parts.password:
        raise Invalid("The address contains a user name or password.", "Enter the token in its own field.", field="url")


def _check_header(name: str) -> None:
    if not all(sign.isascii() and (sign.isalnum() or sign in _HEADER_SIGNS) for sign in name):
        raise Invalid(
            "The header name is not valid.", "Use letters, digits and dashes, such as X-API-Key.", field="header"
        )


def _check_token(token: str) -> None:
    """Check that a token can be sent as plain characters."""
    if not (token.isascii() and token.isprintable()):
        raise Invalid(
            "The token contains characters that no token has.", "Copy it again, without line breaks.", field="token"
        )
