"""A look at a file that came in: what it is taken for, its first lines, and which saved profiles fit it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

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
from eclectyc.web.import_messages import for_page


@dataclass(frozen=True, slots=True)
class Offers:
    """Saved profiles that fit a file. ``chosen`` is taken by itself: the only one of whose kind the file looks."""

    chosen: ProfileMatch | None = None
    others: list[ProfileMatch] = field(default_factory=list)


def offers_for(actor: Actor, upload: Upload) -> Offers:
    """Return the profiles that fit a file; where several do exactly, none is taken by itself."""
    try:
        with open_sample(upload.path, upload.name) as head:
            found = matching_profiles(actor, upload.organisation, head)
    except (EclectycError, OSError):
        return Offers()
    exact = [fit for fit in found if fit.is_exact]
    chosen = exact[0] if len(exact) == 1 else None
    return Offers(chosen, [fit for fit in found if fit is not chosen])


def look(actor: Actor, upload: Upload, options: ImportOptions | None) -> dict[str, Any]:
    """Return what a file is taken for, and its first lines; why not, where it is not understood."""
    if not upload.kept or not upload.path.is_file():
        return {"reason": "The file is no longer here.", "remedy": "Send it again."}
    try:
        with open_file(upload.path, service.read_options(actor, upload, options)) as file:
            return _seen(file)
    except EclectycError as error:
        return {"reason": for_page(error.reason.replace(upload.kept, upload.name)), "remedy": for_page(error.remedy)}


def _seen(file: OpenFile) -> dict[str, Any]:
    seen, table = file.recognition, None
    if isinstance(file.reader, ProfileReader):
        table = declared_table(file.source, file.reader.mapping)
    elif seen.is_table:
        table = sample_of(file.source).table
    return {
        "format": seen.format, "why": seen.why, "sure": round(seen.sure * 100), "stamps": seen.stamps or "",
        "stamps_why": seen.stamps_why,
        "names": table.names[:60] if table else [], "rows": [row[:60] for row in table.rows[:8]] if table else [],
        "text": "" if table else file.source.head_text.text[:1200].decode("utf-8", "replace"),
    }  # fmt: skip
