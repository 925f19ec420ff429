"""A JSON file as one value. It has to be held whole, so its size is bounded, and so is what it may unfold to."""

from __future__ import annotations

from typing import Any, Final

from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.files.decode import Decoder, encoding_of
from eclectyc.readers.files.source import Source

MOST_BYTES: Final = 32 << 20  # of JSON: 300,000 readings of a wordy answer
MOST_PARTS: Final = 2_000_000  # values, lists and objects: an empty object takes two bytes here and sixty in memory
_NESTED_TOO_DEEP: Final = "depth limit"


def load_document(source: Source) -> Any:
    """Return what a JSON file holds; it is read once. ``UnreadableFile`` where it is not sound or too large."""
    if source.document is None:
        source.document = _parsed(_text(source), source.name)
    return source.document


def _text(source: Source) -> bytes:
    pieces, size = [], 0
    for piece in source.pieces():
        pieces.append(piece)
        size += len(piece)
        if size > MOST_BYTES:
            raise _too_large(source.name)
    text = b"".join(pieces)
    return Decoder(encoding_of(text, source.name), source.name).feed(text, last=True)


def _parsed(text: bytes, name: str) -> Any:
    import orjson

    if sum(text.count(mark) for mark in (b",", b"{", b"[")) > MOST_PARTS:
        raise _too_large(name)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if _NESTED_TOO_DEEP in str(error):
            raise UnreadableFile(
                f"{name} holds lists within lists without end; no meter data do.", "Export it again."
            ) from None
        if error.pos >= len(error.doc.rstrip()):
            raise UnreadableFile(f"{name} is cut off: its JSON ends in the middle.", "Fetch the file again.") from None
        raise UnreadableFile(
            f"{name} is not sound JSON: {error.msg}, line {error.lineno}.", "Fetch the file again, or export it again."
        ) from None


def _too_large(name: str) -> UnreadableFile:
    return UnreadableFile(
        f"{name} is too large a JSON file: at most {MOST_BYTES >> 20} MiB and {MOST_PARTS:,} values are read.",
        "Fetch shorter spans of time and import them one after another, or export CSV, which may be of any size.",
    )
