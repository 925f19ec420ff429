"""The registry knows its lake: the table's id, and the version and last batch that it had when a batch was last done.

A lake that is missing, empty, another one or older has lost readings. A writer compares first and refuses; a lake
that is ahead of the registry is fine: a process was killed between the lake's commit and the registry's. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from eclectyc.lake.errors import LakeLost

MISSING, EMPTY, ANOTHER, OLDER = "missing", "empty", "another", "older"

REMEDY: Final = (
    "Mount its storage, or correct ECLECTYC_LAKE. Restore a backup if it is lost. "
    "eclectyc lake adopt goes on with this one, without the missing readings."
)


@dataclass(frozen=True, slots=True)
class LakeIdentity:
    """A lake as of one version. table_id : Delta's own id of the table; empty if not known. version -1: no lake."""

    table_id: str = ""
    version: int = -1
    last_batch: int = 0


NO_LAKE: Final = LakeIdentity()


@dataclass(frozen=True, slots=True)
class LakeComparison:
    """The lake that the registry knows (None: nothing was ever stored), and the one that is there."""

    known: LakeIdentity | None
    found: LakeIdentity
    is_empty_folder: bool = False

    @property
    def lost(self) -> str:
        """What is wrong: missing, empty, another or older; "" if nothing is."""
        known, found = self.known, self.found
        if known is None or known == NO_LAKE:
            return ""
        if found.version < 0:
            return EMPTY if self.is_empty_folder else MISSING
        if known.table_id and found.table_id != known.table_id:
            return ANOTHER if found.last_batch else EMPTY
        if found.last_batch < known.last_batch or found.version < known.version:
            return OLDER if found.last_batch else EMPTY
        return ""

    @property
    def reason(self) -> str:
        """The sentence for what is wrong; "" if nothing is."""
        known, found = self.known or NO_LAKE, self.found
        batches = f"the registry has batches up to {known.last_batch}"
        return {
            "": "",
            MISSING: f"The lake is missing: nothing is there, but {batches}.",
            EMPTY: f"The lake is empty, but {batches}.",
            ANOTHER: f"This is another lake, not the registry's: its id is {found.table_id}, not {known.table_id}.",
            OLDER: f"The lake is older than the registry: it has batches up to {found.last_batch} (version "
            f"{found.version}), but {batches}" + (f" (version {known.version})." if known.version >= 0 else "."),
        }[self.lost]

    def require_own(self) -> None:
        """Raise ``LakeLost`` unless the lake that is there is the registry's, with all that it had."""
        if self.lost:
            raise LakeLost(self.reason, REMEDY)
