"""Load a JSON file. It must fit into memory, so its size and its number of values are limited."""

from __future__ import annotations

from typing import Any, Final

from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.files.decode import Decoder, encoding_of
from eclectyc.readers.files.source import Source

MOST_BYTES: Final = 32 << 20  # of JSON: 300,000 readings of a verbose response
MOST_PARTS: Final = 2_000_000  # values, lists and objects: an empty object takes two bytes here and sixty in memory
_NESTED_TOO_DEEP: Final = "depth limit"


def load_document(source: Source) -> Any:
    """Return a JSON file's value, which is loaded once; ``UnreadableFile`` if it is invalid or too large."""
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
                f"{name} has lists nested without end; no meter data do.", "Export it again."
            ) from None
        if error.pos >= len(error.doc.rstrip()):
            raise UnreadableFile(f"{name} is cut off: its JSON ends in the middle.", "Fetch the file again.") from None
        raise UnreadableFile(
            f"{name} is not valid JSON: {error.msg}, line {error.lineno}.", "Fetch the file again, or export it again."
        ) from None


def _too_large(name: str) -> UnreadableFile:
    return UnreadableFile(
        f"{name} is too large a JSON file: the limit is {MOST_BYTES >> 20} MiB and {MOST_PARTS:,} values.",
        "Fetch shorter periods and import them one after another, or export CSV, which may have any size.",
    )
