"""The preview of an uploaded file: what it was recognised as, its first rows, and which saved profiles fit it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from eclectyc.accounts.actor import Actor
from eclectyc.intake.import_options import ImportOptions
from eclectyc.intake.profiles.column_positions import declared_table
from eclectyc.intake.profiles.match import ProfileMatch, matching_profiles
from eclectyc.intake.profiles.profile_reader import ProfileReader
from eclectyc.intake.profiles.sample_file import open_sample
from eclectyc.intake.uploads import service
from eclectyc.intake.uploads.models import Upload
from eclectyc.kernel.errors import EclectycError
from eclectyc.readers.open_file import OpenFile, open_file
from eclectyc.readers.tables.file_sample import sample_of
from eclectyc.web.import_messages import for_page, recognised_as, stamp_words

MOST_COLUMNS: Final = 60  # shown
MOST_ROWS: Final = 8
MOST_TEXT: Final = 1200  # bytes of a file that is not a table


@dataclass(frozen=True, slots=True)
class MatchingProfiles:
    """Saved profiles that fit a file. ``chosen`` is used automatically: the only one that fits exactly."""

    chosen: ProfileMatch | None = None
    others: list[ProfileMatch] = field(default_factory=list)


def profiles_for(actor: Actor, upload: Upload) -> MatchingProfiles:
    """Return the profiles that fit a file; if several fit exactly, none is chosen."""
    try:
        with open_sample(upload.path, upload.name) as head:
            found = matching_profiles(actor, upload.organisation, head)
    except (EclectycError, OSError):
        return MatchingProfiles()
    exact = [fit for fit in found if fit.is_exact]
    chosen = exact[0] if len(exact) == 1 else None
    return MatchingProfiles(chosen, [fit for fit in found if fit is not chosen])


def preview_of(actor: Actor, upload: Upload, options: ImportOptions | None) -> dict[str, Any]:
    """Return what a file was recognised as and its first rows, or why it cannot be read."""
    if not upload.kept or not upload.path.is_file():
        return {"reason": "This file is no longer stored.", "remedy": "Upload it again."}
    try:
        with open_file(upload.path, service.read_options(actor, upload, options)) as file:
            return _recognised(file)
    except EclectycError as error:
        return {"reason": for_page(error.reason.replace(upload.kept, upload.name)), "remedy": for_page(error.remedy)}


def _recognised(file: OpenFile) -> dict[str, Any]:
    recognition, table = file.recognition, None
    if isinstance(file.reader, ProfileReader):
        table = declared_table(file.source, file.reader.mapping)
    elif recognition.is_table:
        table = sample_of(file.source).table
    return {
        "format": recognition.format,
        "recognised": recognised_as(recognition.format, recognition.why),
        "stamps": stamp_words(recognition.stamps or "", recognition.stamps_why),
        "names": table.names[:MOST_COLUMNS] if table else [],
        "rows": [row[:MOST_COLUMNS] for row in table.rows[:MOST_ROWS]] if table else [],
        "text": "" if table else file.source.head_text.text[:MOST_TEXT].decode("utf-8", "replace"),
    }
