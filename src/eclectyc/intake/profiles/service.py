"""Save, change, copy and delete profiles. A mapping is always checked as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.audit.record import record
from eclectyc.estate.changes import Changed
from eclectyc.intake.profiles.mapping import Mapping, mapping_of
from eclectyc.intake.profiles.models import LONGEST_NAME, ImportProfile
from eclectyc.kernel.errors import Conflict, Invalid, NotFound
from eclectyc.kernel.plurals import counted

_TEXTS: Final = {"sender": 200, "notes": 1000}
_AUDITED: Final = ("name", "sender", "notes", "mapping")
_SHOWN: Final = 5


def create_profile(
    actor: Actor,
    *,
    organisation: Organisation,
    name: str,
    mapping: Mapping,
    sender: str = "",
    notes: str = "",
    signature: dict[str, Any] | None = None,
) -> ImportProfile:
    """Save a mapping under a new name. signature : of the file it was profile from."""
    actor.require("imports.run", organisation.pk)
    _require_to_create(actor, organisation.pk, mapping)
    profile = ImportProfile(
        organisation=organisation,
        name=_name(name),
        mapping=mapping.as_data(),
        signature=signature or {},
        created_by_id=actor.user_id,
        changed_by_id=actor.user_id,
        **_texts({"sender": sender, "notes": notes}),
    )
    with transaction.atomic():
        _save(profile, is_new=True)
        record(actor.by, "profile.created", profile, organisation_id=organisation.pk, after=_details(profile))
    return profile


def change_profile(
    actor: Actor,
    *,
    profile: ImportProfile,
    version: int | None = None,
    mapping: Mapping | None = None,
    signature: dict[str, Any] | None = None,
    **fields: str,
) -> ImportProfile:
    """Change a profile: its mapping, name, sender or notes. Feeds and waiting files follow a new name."""
    actor.require("imports.run", profile.organisation_id)
    if mapping is not None:
        _require_to_create(actor, profile.organisation_id, mapping)
    changes = _texts({name: text for name, text in fields.items() if name != "name"})
    if "name" in fields:
        changes["name"] = _name(fields["name"])
    with transaction.atomic():
        stored = _lock_profile(profile, version)
        before, old_name = _details(stored), stored.name
        for name, value in changes.items():
            setattr(stored, name, value)
        if mapping is not None:
            stored.mapping = mapping.as_data()
        if signature is not None:
            stored.signature = signature
        after = _details(stored)
        changed = [name for name in _AUDITED if before[name] != after[name]]
        if changed or signature is not None:
            stored.version += bool(changed)
            stored.changed_at, stored.changed_by_id = timezone.now(), actor.user_id
            _save(stored, is_new=False)
        if changed:
            record(
                actor.by,
                "profile.changed",
                stored,
                organisation_id=stored.organisation_id,
                before={name: before[name] for name in changed},
                after={name: after[name] for name in changed},
            )
        if stored.name != old_name:
            _rename_in_uploads(stored, old_name)
    return stored


def duplicate_profile(actor: Actor, *, profile: ImportProfile, name: str = "") -> ImportProfile:
    """Save a copy under another name: the given one, otherwise the first that is free."""
    actor.require("imports.run", profile.organisation_id)
    taken = {one.lower() for one in _all(profile).values_list("name", flat=True)}
    room = LONGEST_NAME - len(" (copy 999)")
    stem = profile.name[:room]
    copies = (f"{stem} (copy{f' {n}' if n > 1 else ''})" for n in range(1, 1000))
    new_name = name or next(one for one in copies if one.lower() not in taken)
    return create_profile(
        actor,
        organisation=profile.organisation,
        name=new_name,
        mapping=mapping_of(profile.mapping),
        sender=profile.sender,
        notes=profile.notes,
        signature=profile.signature,
    )


def delete_profile(actor: Actor, *, profile: ImportProfile, version: int | None = None) -> None:
    """Delete a profile that no feed and no waiting file uses. Imported readings stay."""
    actor.require("imports.run", profile.organisation_id)
    with transaction.atomic():
        stored = _lock_profile(profile, version)
        feeds = list(stored.feeds.order_by("name").values_list("name", flat=True))
        if feeds:
            named = ", ".join(feeds[:_SHOWN]) + (" …" if len(feeds) > _SHOWN else "")
            raise Conflict(
                f"{stored.name} is used by {counted(len(feeds), 'feed')}: {named}.", "Give them another profile first."
            )
        waiting = _waiting(stored, stored.name).count()
        if waiting:
            raise Conflict(
                f"{stored.name} is needed by {counted(waiting, 'file')} still to be imported.",
                "Wait until they are imported, or discard them.",
            )
        record(actor.by, "profile.deleted", stored, organisation_id=stored.organisation_id, before=_details(stored))
        stored.delete()


def profile_named(actor: Actor, organisation: Organisation, name: str) -> ImportProfile:
    """Return the profile of a name in an organisation; raise ``NotFound`` if there is none."""
    found = _called(actor, organisation, name)
    if found is None:
        raise NotFound(
            f"{organisation.name} has no import profile {name[:LONGEST_NAME]!r}.",
            _names(actor, organisation),
            field="profile",
        )
    return found


def find_profile(actor: Actor, organisation: Organisation, name: str) -> ImportProfile | None:
    """Return the profile of a name in an organisation, or None."""
    return _called(actor, organisation, name)


def record_use(number: int, path: Path) -> None:
    """Record that a file was imported with a profile, and the signature of such files if it was unknown."""
    from eclectyc.intake.profiles.match import signature_from_file

    rows = ImportProfile.objects.filter(pk=number)
    rows.update(last_used_at=timezone.now())
    profile = rows.first()
    if profile is not None and not profile.signature:
        rows.filter(version=profile.version).update(signature=signature_from_file(profile, path))


def _called(actor: Actor, organisation: Organisation, name: str) -> ImportProfile | None:
    visible = ImportProfile.objects.visible_to(actor).filter(organisation=organisation)
    return visible.filter(name__iexact=" ".join(name.split())).first()


def _names(actor: Actor, organisation: Organisation) -> str:
    visible = ImportProfile.objects.visible_to(actor).filter(organisation=organisation)
    names = list(visible.values_list("name", flat=True)[:_SHOWN])
    return f"It has: {', '.join(names)}." if names else "Save one on the Imports page, or with eclectyc profile save."


def _require_to_create(actor: Actor, organisation: int, mapping: Mapping) -> None:
    """Let a profile create meters only if its author may: feeds import with it without a user."""
    if mapping.meters.unknown == "create":
        actor.require("estate.edit", organisation)


def _lock_profile(profile: ImportProfile, version: int | None) -> ImportProfile:
    rows = ImportProfile.objects.select_related("organisation").select_for_update(of=("self",))
    stored = rows.filter(pk=profile.pk).first()
    if stored is None:
        raise NotFound(f"{profile} has been deleted.", "Reload the list.")
    if version is not None and version != stored.version:
        raise Changed(stored)
    return stored


def _save(profile: ImportProfile, *, is_new: bool) -> None:
    try:
        with transaction.atomic():
            profile.save(force_insert=is_new)
    except IntegrityError:
        raise Conflict(
            f"An import profile {profile.name!r} already exists.", "Choose another name.", field="name"
        ) from None


def _rename_in_uploads(profile: ImportProfile, old_name: str) -> None:
    """Rename it also in files whose import failed: they may be retried."""
    from eclectyc.intake.uploads.models import Upload

    kept = Upload.objects.filter(organisation=profile.organisation_id, options__profile=old_name).exclude(kept="")
    for upload in kept:
        upload.options = {**upload.options, "profile": profile.name}
        upload.save(update_fields=["options"])


def _waiting(profile: ImportProfile, name: str) -> Any:
    """Return the files still to be imported with a profile."""
    from eclectyc.intake.uploads.models import Upload
    from eclectyc.jobs.models import Job

    return Upload.objects.filter(
        organisation=profile.organisation_id, options__profile=name, job__state__in=Job.OPEN, discarded_at=None
    )


def _all(profile: ImportProfile) -> Any:
    return ImportProfile.objects.filter(organisation=profile.organisation_id)


def _details(profile: ImportProfile) -> dict[str, Any]:
    return {name: getattr(profile, name) for name in _AUDITED}


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid(
            "A profile needs a name.", f"Use the sender's name, up to {LONGEST_NAME} characters.", field="name"
        )
    if "/" in name or name.lower().endswith(".toml"):
        raise Invalid("A profile's name must not be a file name.", "Leave out slashes and .toml.", field="name")
    return name


def _texts(given: dict[str, str]) -> dict[str, Any]:
    for name, text in given.items():
        if name not in _TEXTS:
            raise Invalid(f"A profile has no {name}.", "Leave it out.", field=name)
        if len(text) > _TEXTS[name] or "\x00" in text:
            raise Invalid(f"{name} is too long.", f"Use up to {_TEXTS[name]} characters.", field=name)
    return {name: text.strip() for name, text in given.items()}
