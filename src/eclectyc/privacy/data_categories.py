"""The kinds of data that are kept for a time. Readings are not among them: they are the estate's, and go with their
meter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from eclectyc.kernel.errors import Invalid
from eclectyc.privacy import deletions
from eclectyc.privacy.deletions import Part


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of data: what it is, where it stands, how long it is kept unless a rule says otherwise [days].

    ``sweep`` deletes what is over within a part, or only counts it. ``is_of_organisations``: each may have a rule of
    its own. ``least`` is the shortest time that a rule may say [days].
    """

    name: str
    words: str
    where: str
    days: int
    sweep: Callable[[Part], int]
    least: int = 1
    is_of_organisations: bool = False


KINDS: Final = (
    Kind("audit", "Audit events", "registry: audit", 2555, deletions.audit, least=90),
    Kind("audit_names", "Names and addresses in audit events", "registry: audit", 2555, deletions.audit_names, least=90,
         is_of_organisations=True),
    Kind("sessions", "Devices and addresses of sessions that are over", "registry: sessions", 30, deletions.sessions),
    Kind("invitations", "Invitations that are closed", "registry: accounts", 180, deletions.invitations,
         is_of_organisations=True),
    Kind("tokens", "API tokens that have ended", "registry: accounts", 365, deletions.tokens),
    Kind("uploads", "Files as they arrived", "home: uploads", 90, deletions.uploads, is_of_organisations=True),
    Kind("import_reports", "Details of imports, rejected lines", "registry: intake; home: reports", 730,
         deletions.import_reports, is_of_organisations=True),
    Kind("mails", "Mails kept because there is no mail server", "home: mail", 30, deletions.mails),
    Kind("telemetry", "What background runs did", "home: telemetry", 365, deletions.telemetry),
    Kind("consents", "Consents that were withdrawn", "registry: privacy", 2190, deletions.consents, least=365),
)  # fmt: skip


def kind_named(name: str) -> Kind:
    """Return a kind of data, or say which there are."""
    for kind in KINDS:
        if kind.name == name:
            return kind
    names = ", ".join(kind.name for kind in KINDS)
    raise Invalid(f"There is no kind of data {name[:40]!r}.", f"Use one of: {names}.", field="kind")
