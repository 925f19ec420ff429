"""Feeds from a folder of this server. Only an operator creates one: it can read anything the server can."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from eclectyc.intake.feeds.connection import RemoteFile, Unreachable, limit_files, matches_pattern
from eclectyc.intake.feeds.settings import DELETE, MOVE


class FolderConnection:
    """The files of a folder, without links."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._folder = Path(settings["path"])
        self._pattern: str = settings["pattern"]
        self._after: str = settings["after"]
        self._move_to = Path(self._folder, settings["move_to"]) if settings["move_to"] else None

    def list_files(self) -> list[RemoteFile]:
        try:
            return limit_files(self._files())
        except OSError as error:
            raise Unreachable(
                f"The folder {self._folder} cannot be read: {error.strerror}.", "Check its path and permissions."
            ) from None

    def test(self) -> list[RemoteFile]:
        return self.list_files()

    def fetch(self, file: RemoteFile, into: BinaryIO) -> None:
        try:
            open_folder = os.open(self._folder / file.name, os.O_RDONLY | os.O_NOFOLLOW)
            with os.fdopen(open_folder, "rb") as source:
                shutil.copyfileobj(source, into, 1 << 20)
        except OSError as error:
            raise Unreachable(f"{file.name} cannot be read: {error.strerror}.", "Check its permissions.") from None

    def archive(self, file: RemoteFile) -> None:
        path = self._folder / file.name
        try:
            if self._after == DELETE:
                path.unlink(missing_ok=True)
            elif self._after == MOVE and self._move_to is not None and path.exists():
                self._move_to.mkdir(parents=True, exist_ok=True)
                shutil.move(path, free_name(self._move_to, file))
        except OSError as error:
            raise Unreachable(
                f"{file.name} cannot be moved or deleted: {error.strerror}.", "Check its permissions."
            ) from None

    def _files(self) -> Iterator[RemoteFile]:
        with os.scandir(self._folder) as entries:
            for entry in entries:
                facts = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(facts.st_mode) and matches_pattern(entry.name, self._pattern):
                    yield RemoteFile(entry.name, facts.st_size, int(facts.st_mtime))


def free_name(folder: Path, file: RemoteFile) -> Path:
    """Return the path for a file; if its name is in use, with its time in front."""
    plain = folder / file.name
    return folder / f"{file.changed}-{file.name}" if plain.exists() else plain


@contextmanager
def open_folder(settings: dict[str, Any]) -> Iterator[FolderConnection]:
    """Return the connection to a folder."""
    yield FolderConnection(settings)
