"""Match saved profiles with a file: by the signature of the file that a profile was made from, and by a sample."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.intake.profiles.column_positions import declared_table
from eclectyc.intake.profiles.mapping import Mapping, mapping_of
from eclectyc.intake.profiles.models import ImportProfile
from eclectyc.intake.profiles.profile_reader import ProfileReader
from eclectyc.intake.profiles.record_files import ENVELOPES
from eclectyc.intake.profiles.sample_file import SampleFile, open_sample
from eclectyc.intake.profiles.selected_profile import reader_of
from eclectyc.kernel.errors import EclectycError
from eclectyc.kernel.plurals import counted
from eclectyc.readers.files.source import HEAD_LINES
from eclectyc.readers.reader import ReadOptions
from eclectyc.readers.tables.file_sample import TableSample, first_rows, sample_of
from eclectyc.readers.tables.headings import header_key

MOST_PROFILES: Final = 200  # that are compared with one file
MOST_KEYS: Final = 400
_MARKS: Final = {"tab": "\t"}


@dataclass(frozen=True, slots=True)
class ProfileMatch:
    """A profile that matches a file, and why. is_exact : the signatures are equal."""

    profile: ImportProfile
    why: str
    is_exact: bool


def signature_of(mapping: Mapping, table: TableSample) -> dict[str, Any]:
    """Return what files of one sender have in common: headings, width or record types."""
    if mapping.file.records is not None:
        return {"kinds": sorted({name.rpartition(".")[0] for name in table.names})[:MOST_KEYS]}
    width = len(table.names)
    if not mapping.file.header:
        return {"width": max((len(row) for row in table.rows), default=width)}
    return {"keys": [header_key(name) for name in table.names[:MOST_KEYS]], "width": width}


def table_for(head: SampleFile, mapping: Mapping) -> TableSample:
    """Return a file's first lines as the table of a mapping; raise ``UnreadableFile`` if they are not one."""
    shape = mapping.file
    if shape.header and shape.records is None:
        return declared_table(head.source, mapping)
    return head.table(head.delimiter(shape.delimiter), 0, skip=shape.skip_rows or 0, records=shape.records)


def signature_from_file(profile: ImportProfile, path: Path) -> dict[str, Any]:
    """Return a profile's signature; if it has none, that of the file at ``path``."""
    if profile.signature:
        return dict(profile.signature)
    try:
        mapping = mapping_of(profile.mapping)
        with open_sample(path, path.name, mapping.file.sheet) as head:
            return signature_of(mapping, table_for(head, mapping))
    except (EclectycError, OSError):
        return {}


def matching_profiles(actor: Actor, organisation: Organisation, head: SampleFile) -> list[ProfileMatch]:
    """Return the profiles of an organisation that match a file: exact ones first, then by last use."""
    profiles = ImportProfile.objects.visible_to(actor).filter(organisation=organisation)
    found = [
        fit for one in profiles.order_by("-last_used_at", "name")[:MOST_PROFILES] if (fit := match_profile(one, head))
    ]
    return sorted(found, key=lambda fit: not fit.is_exact)


def match_profile(profile: ImportProfile, head: SampleFile) -> ProfileMatch | None:
    """Return how a profile matches a file; None if it does not."""
    try:
        reader = reader_of(profile)
        if reader.mapping.file.sheet and reader.mapping.file.sheet.casefold() != head.sheet.casefold():
            return None
        return _fit(profile, reader, head)
    except EclectycError:
        return None


def _fit(profile: ImportProfile, reader: ProfileReader, head: SampleFile) -> ProfileMatch | None:
    mapping, signature = reader.mapping, profile.signature
    if mapping.file.records is not None:
        kinds = set(signature.get("kinds", ()))
        lines = head.lines(head.delimiter(mapping.file.delimiter))
        there = {line.cells[mapping.file.records - 1] for line in lines if len(line.cells) >= mapping.file.records}
        if mapping.data_kinds() <= there and there - {"", *ENVELOPES} <= kinds and _reads(reader, head):
            return ProfileMatch(profile, "it has the same record types, and its lines can be read", True)
        return None
    if not mapping.file.header:
        widths = {len(row) for row in head.table(head.delimiter(mapping.file.delimiter), 0).rows[:50]}
        if signature.get("width") in widths and _reads(reader, head):
            return ProfileMatch(profile, f"its lines have {signature['width']} cells as well, and can be read", True)
        return None
    keys = signature.get("keys", [])
    if keys and _has_keys(head, mapping, keys):
        return ProfileMatch(profile, f"it has the same {counted(signature.get('width', len(keys)), 'heading')}", True)
    named = [place for place in mapping.columns.column_refs().values() if isinstance(place, str)]
    if len(named) >= 2 and _reads(reader, head):
        shown = ", ".join(named[:4]) + (" …" if len(named) > 4 else "")
        return ProfileMatch(profile, f"it has the profile's columns: {shown}", False)
    return None


def _has_keys(head: SampleFile, mapping: Mapping, keys: list[str]) -> bool:
    mark = mapping.file.delimiter
    delimiter = head.source.delimiter or _MARKS.get(mark, mark) or head.delimiter()
    lines = first_rows(head.source.head_text, delimiter, HEAD_LINES)
    return any([header_key(cell) for cell in line.cells[:MOST_KEYS]] == keys for line in lines)


def _reads(reader: ProfileReader, head: SampleFile) -> bool:
    """Return whether most of the first lines can be read."""
    rows = errors = 0
    with reader.prepared(head.source) as source:
        seen = reader.recognise(sample_of(source))
        for block, rejected in reader.read(source, seen, ReadOptions()):
            rows += block.rows
            errors += len({error.line for error in rejected})
    return rows > errors
