"""What is stored where, as the pages tell it. Nothing of it leaves this installation unless somebody sets that up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class InventoryEntry:
    """One kind of data: what it is, where it stands, whether it names people, and which rule deletes it."""

    what: str
    where: str
    names_people: str
    goes: str  # a kind of retention, or words


INVENTORY: Final = (
    InventoryEntry("Accounts: address, name, password as a digest", "registry", "yes", "when the person is erased"),
    InventoryEntry("Roles, invitations, API tokens as digests", "registry", "yes", "invitations"),
    InventoryEntry("Sessions: device and address of the network", "registry", "yes", "sessions"),
    InventoryEntry("Second factors, passwords of other systems", "registry, sealed; the key is a file of the home", "no",
           "when they are taken away"),
    InventoryEntry("Consents", "registry", "yes", "consents"),
    InventoryEntry("Audit events", "registry; the key that seals them is in the home", "by pseudonym", "audit"),
    InventoryEntry("Names and addresses in audit events", "registry, apart from the events", "yes",
           "audit_names, or when the person is erased"),
    InventoryEntry("Sites, meters, suppliers and their contacts", "registry", "contacts", "when they are deleted"),
    InventoryEntry("Readings", "lake", "no", "never by themselves"),
    InventoryEntry("Imports: who, which file, what came of it", "registry; rejected lines in the home", "who",
           "import_reports"),
    InventoryEntry("Files as they arrived, until they are imported and their time is over", "home", "as they do", "uploads"),
    InventoryEntry("Readings that were pushed and are still to be stored", "registry", "who", "when they are stored"),
    InventoryEntry("Background jobs: who asked for them, what they logged", "registry", "who", "each kind after its time"),
    InventoryEntry("Places from which files are fetched; their passwords and keys", "registry, the secrets sealed", "no",
           "when they are deleted"),
    InventoryEntry("Mails, where there is no mail server", "home", "yes", "mails"),
    InventoryEntry("What background runs did", "home", "no", "telemetry"),
    InventoryEntry("How often somebody tried to sign in, or a key was used, as digests",
           "home, or the registry where it is a server's", "no", "within two hours"),
    InventoryEntry("Backups", "wherever they were put", "yes",
           "when you delete them: a backup still holds who was erased since"),
)  # fmt: skip
