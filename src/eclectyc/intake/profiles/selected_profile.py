"""The reader of the profile selected for an import."""

from __future__ import annotations

from pathlib import Path

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.intake.profiles.mapping import mapping_of
from eclectyc.intake.profiles.models import ImportProfile
from eclectyc.intake.profiles.profile_reader import ProfileReader
from eclectyc.intake.profiles.service import find_profile, profile_named
from eclectyc.intake.profiles.toml_text import mapping_in


def selected_reader(actor: Actor, organisation: Organisation, profile: str) -> ProfileReader:
    """Return the reader of a profile: one saved in the organisation, by its name, or a .toml file.

    Only the operator at this machine may use a file: its folders are closed to others. Raises ``NotFound`` if there
    is no such profile, ``Invalid`` if it has a fault.
    """
    found = find_profile(actor, organisation, profile)
    path = Path(profile)
    if found is None and path.suffix.lower() == ".toml" and actor.is_full_operator and actor.user_id is None:
        return ProfileReader(mapping_in(path), path.stem)
    return reader_of(found or profile_named(actor, organisation, profile))


def reader_of(profile: ImportProfile) -> ProfileReader:
    """Return the reader of a saved profile."""
    return ProfileReader(mapping_of(profile.mapping), profile.name, profile=profile.pk)
