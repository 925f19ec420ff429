"""Try mutants one after another, in one organisation and one folder, beside the report of the valid file."""

from __future__ import annotations

from pathlib import Path

from eclectyc.accounts.models import Organisation
from eclectyc.cli.session import OPERATOR
from tests.readers.mutants.subjects import Mutant, Subject
from tests.readers.mutants.trial import Outcome, tried
from tests.readers.mutants.verdict import Comparison, faults


class Bench:
    """Tries the mutants of one subject."""

    def __init__(self, subject: Subject, organisation: Organisation, folder: Path) -> None:
        self.subject = subject
        self._organisation = organisation
        self._path = folder / subject.golden.name
        self._options = dict(subject.options)
        if subject.profile:
            self._options["profile"] = str(folder / "sender.toml")
            Path(self._options["profile"]).write_text(subject.profile)
        usual = self._tried(Mutant(subject.golden.content)).report
        assert usual is not None
        assert usual.errors == []
        self._usual = usual

    def tries(self, mutant: Mutant) -> tuple[Comparison, list[str]]:
        """Import a mutant; return how it was compared, and the faults found."""
        seen = Comparison("")
        return seen, list(faults(self.subject, mutant, self._tried(mutant), self._usual, seen))[:3]

    def _tried(self, mutant: Mutant) -> Outcome:
        self._path.write_bytes(mutant.content)
        return tried(OPERATOR, self._organisation, self._path, **self._options)
