"""The errors of the vault. They name the key file without its folder, since any user may meet them. Pure."""

from __future__ import annotations

from eclectyc.kernel.errors import EclectycError
from eclectyc.kernel.plurals import counted

FILE = "vault.key"
_IF_LOST = "if it is lost, run eclectyc vault give-up and enter the secrets again"


class VaultError(EclectycError):
    """Stored secrets cannot be used; the operator of the installation can put it right."""

    code = "vault"


class CannotOpen(VaultError):
    """A sealed secret cannot be opened: its key is missing, or it was changed."""


class BadKeyFile(VaultError):
    """The key file cannot be read."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"{FILE} {why}.", "Restore it from a copy; if there is none, move it away and run eclectyc vault give-up."
        )


class VaultKeyMissing(VaultError):
    """The registry has encrypted secrets, and this home has no key file."""

    def __init__(self) -> None:
        super().__init__(
            f"{FILE} is missing from the home, so no stored secret can be decrypted.",
            f"Restore the file from your copy; {_IF_LOST}.",
        )


class WrongVaultKey(VaultError):
    """No key of the file encrypted any secret of the registry."""

    def __init__(self) -> None:
        super().__init__(
            f"{FILE} is not the one that encrypted the stored secrets.",
            f"Restore the right file from your copy; {_IF_LOST}.",
        )


class SomeKeysMissing(VaultError):
    """Some secrets were encrypted with a key that is not in the file."""

    def __init__(self, names: set[str], secrets: int) -> None:
        super().__init__(
            f"{counted(secrets, 'stored secret')} cannot be decrypted: {FILE} does not have "
            f"{'this key' if len(names) == 1 else 'these keys'}: {', '.join(sorted(names))}.",
            f"Add the lines of your copy to the end of the file; {_IF_LOST}.",
        )
