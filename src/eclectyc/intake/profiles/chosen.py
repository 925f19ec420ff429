"""The profile that an import is told to use."""

from __future__ import annotations

from pathlib import Path

from eclectyc.accounts.actor import Actor
from eclectyc.intake.profiles.declared import Declared
from eclectyc.intake.profiles.toml_text import mapping_in
from eclectyc.kernel.errors import Invalid


def chosen(actor: Actor, profile: str) -> Declared:
    """Return the reader that a profile makes; ``Invalid`` where there is none, or something is wrong in it.

    A file is taken from whoever works on this machine alone: to others its folders are not open.
    """
    path = Path(profile)
    if path.suffix.lower() != ".toml" or not actor.operator:
        raise Invalid(
            f"There is no import profile {profile!r}.",
            "On the command line, give the name of a .toml file.",
            field="profile",
        )
    return Declared(mapping_in(path), path.stem)
