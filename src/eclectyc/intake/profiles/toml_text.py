"""Mappings as TOML text."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping as Dictionary
from pathlib import Path
from typing import Any, Final

from eclectyc.intake.profiles.mapping import Mapping, mapping_of
from eclectyc.kernel.errors import Invalid

MOST_BYTES: Final = 64 << 10


def mapping_in(path: Path) -> Mapping:
    """Return the mapping of a file; raise ``Invalid`` for the first fault."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Invalid(
                f"{path.name} is too large for a profile.", "Choose a TOML file of up to 64 KiB.", field="profile"
            )
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Invalid(
            f"{path} cannot be read: {error.strerror}.", "Check the name and the folder.", field="profile"
        ) from None
    except UnicodeDecodeError:
        raise Invalid(f"{path.name} is not UTF-8 text.", "Save it as UTF-8.", field="profile") from None
    return mapping_of_toml(text)


def mapping_of_toml(text: str) -> Mapping:
    """Return the mapping of a text; raise ``Invalid`` for the first fault."""
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Invalid(f"The profile is not valid TOML: {error}.", "Correct that line.", field="profile") from None
    return mapping_of(data)


def toml_of(mapping: Mapping) -> str:
    """Return a mapping as TOML; ``mapping_of_toml`` returns the same mapping."""
    data = mapping.as_data()
    plain = {name: value for name, value in data.items() if not isinstance(value, dict)}
    lines = [f"{_key(name)} = {_value(value)}" for name, value in plain.items()]
    for name, part in data.items():
        if isinstance(part, dict):
            lines += ["", f"[{_key(name)}]", *(f"{_key(own)} = {_value(value)}" for own, value in part.items())]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if name.isidentifier() and name.isascii() else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, Dictionary):
        return "{ " + ", ".join(f"{_key(name)} = {_value(own)}" for name, own in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_value(own) for own in value) + "]"
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
