"""Secrets of other systems (SFTP, feeds, second factors), sealed with a key that is kept outside the database.

``seal`` and ``open`` are all there is to it; ``fields.EncryptedText`` does both for a column of a model.
"""

from eclectyc.vault.sealing import CannotOpen, open, reseal, rotate, seal  # noqa: A004 - vault.open(text)

__all__ = ["CannotOpen", "open", "reseal", "rotate", "seal"]
