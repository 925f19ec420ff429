"""Remove an erased person from uploads, which stay."""

from __future__ import annotations

from eclectyc.batches.personal_data import remove_address
from eclectyc.intake.uploads.models import Upload
from eclectyc.kernel.data_protection import ErasedPerson


def anonymise(person: ErasedPerson) -> int:
    """Replace file names that contain the person's address. No upload is labelled with its sender: the count is 0."""
    remove_address(Upload, "name", person.email)
    return 0
