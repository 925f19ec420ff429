"""What is stored where, as pages show it. Data leave this installation only if an operator sets that up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class InventoryEntry:
    """One kind of data. names_people : whether it names people. goes : a retention category, or when it is deleted."""

    what: str
    where: str
    names_people: str
    goes: str


INVENTORY: Final = (
    InventoryEntry("Accounts: address, name, password as a digest", "registry", "yes", "when the person is erased"),
    InventoryEntry("Roles, invitations, API tokens as digests", "registry", "yes", "invitations"),
    InventoryEntry("Sessions: device and network address", "registry", "yes", "sessions"),
    InventoryEntry(
        "Second factors, passwords for other systems",
        "registry, encrypted; the key is a file in the home",
        "no",
        "when they are removed",
    ),
    InventoryEntry("Consents", "registry", "yes", "consents"),
    InventoryEntry("Audit events", "registry; the key that seals them is in the home", "by pseudonym", "audit"),
    InventoryEntry(
        "Names and addresses in audit events",
        "registry, separate from the events",
        "yes",
        "audit_names, or when the person is erased",
    ),
    InventoryEntry("Sites, meters, suppliers and their contacts", "registry", "contacts", "when they are deleted"),
    InventoryEntry("Readings", "lake", "no", "never automatically"),
    InventoryEntry(
        "Imports: who, which file, the result", "registry; rejected rows in the home", "who", "import_reports"
    ),
    InventoryEntry("Uploaded and collected files", "home", "if they contain names", "uploads"),
    InventoryEntry("Pushed readings that are not stored yet", "registry", "who", "when they are stored"),
    InventoryEntry(
        "Background jobs: who started them, their log", "registry", "who", "after a time that depends on the job"
    ),
    InventoryEntry(
        "Feeds, with their passwords and keys", "registry, the secrets encrypted", "no", "when they are deleted"
    ),
    InventoryEntry("Emails, if there is no mail server", "home", "yes", "mails"),
    InventoryEntry("Records of background runs", "home", "no", "telemetry"),
    InventoryEntry(
        "Counts of sign-in attempts and of uses of tokens, as digests",
        "home, or the registry if it is on a server",
        "no",
        "within two hours",
    ),
    InventoryEntry(
        "Backups",
        "wherever you store them",
        "yes",
        "when you delete them: a backup still contains people erased since",
    ),
)
