"""Secrets of other systems (SFTP, feeds, second factors), encrypted with a key that is stored outside the database.

``seal`` and ``open`` encrypt and decrypt a text; ``fields.EncryptedText`` does both for a column of a model.
"""

from eclectyc.vault.errors import CannotOpen
from eclectyc.vault.sealing import open, reseal, rotate, seal  # noqa: A004 - vault.open(text)

__all__ = ["CannotOpen", "open", "reseal", "rotate", "seal"]
