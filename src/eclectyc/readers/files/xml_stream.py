"""Parse XML safely, piece by piece.

A document type, and so every entity, is refused; so are endlessly nested elements, and a tag or text that never ends.
Memory is that of one piece, whatever the file's size.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Final, Protocol
from xml.parsers import expat

from eclectyc.readers.blocks import UnreadableFile

MOST_DEPTH: Final = 64
MOST_TOKEN_BYTES: Final = 1 << 20
PIECE_BYTES: Final = 1 << 16


class Handler(Protocol):
    """Handles elements and text in document order. A name is ``namespace}local``, or the local name alone.

    ``text`` may come in several pieces. ``depth`` is the number of open elements, counted by ``start`` and ``end``.
    """

    depth: int

    def start(self, name: str, attributes: dict[str, str]) -> None: ...

    def end(self, name: str) -> None: ...

    def text(self, text: str) -> None: ...


def parse_xml(pieces: Generator[bytes, None, None], handler: Handler, name: str) -> Iterator[None]:
    """Parse a document with ``handler``, yielding after each piece so that the caller can use its results.

    ``pieces`` is always closed at the end.
    """
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end
    parser.CharacterDataHandler = handler.text
    parser.StartDoctypeDeclHandler = _no_doctype(name)
    fed = 0
    try:
        with closing(pieces):
            for piece in pieces:
                for at in range(0, len(piece), PIECE_BYTES):
                    part = piece[at : at + PIECE_BYTES]
                    parser.Parse(part, False)
                    fed += len(part)
                    _refuse_endless(fed - parser.CurrentByteIndex, handler.depth, name)
                    yield
        parser.Parse(b"", True)
    except (expat.ExpatError, LookupError) as error:
        raise _invalid(error, name) from None
    except ValueError as error:  # expat's error for an encoding that it does not support
        if "encoding" not in str(error):
            raise
        raise _invalid(error, name) from None
    yield


def local_name(name: str) -> str:
    """Return a name without its namespace.

    >>> local("http://naesb.org/espi}value"), local("value")
    ('value', 'value')
    """
    return name.rpartition("}")[2]


def _no_doctype(name: str):  # type: ignore[no-untyped-def]  # expat's own signature
    def refuse(*_: object) -> None:
        raise UnreadableFile(
            f"{name} declares a document type (DTD), which can be harmful and which no meter data need.",
            "Export the file again, or remove the <!DOCTYPE …> from it.",
        )

    return refuse


def _refuse_endless(pending_bytes: int, depth: int, name: str) -> None:
    if pending_bytes > MOST_TOKEN_BYTES:
        raise UnreadableFile(
            f"{name} has a tag of more than 1 MiB; no meter data do.",
            "Check the program that wrote the file, and export it again.",
        )
    if depth > MOST_DEPTH:
        raise UnreadableFile(
            f"{name} has elements nested more than {MOST_DEPTH} deep; no meter data do.",
            "Check the program that wrote the file, and export it again.",
        )


def _invalid(error: expat.ExpatError | LookupError | ValueError, name: str) -> UnreadableFile:
    if not isinstance(error, expat.ExpatError):
        return UnreadableFile(f"{name} is in an encoding that is not supported: {error}.", "Save it as UTF-8.")
    what = expat.ErrorString(error.code)
    if error.code in _CUT_OFF:
        return UnreadableFile(f"{name} is cut off: its XML ends in the middle.", "Fetch the file again.")
    return UnreadableFile(
        f"{name} is not valid XML: {what}, line {error.lineno}.", "Fetch the file again, or export it again."
    )


_CUT_OFF: Final = frozenset(
    expat.errors.codes[text]
    for text in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
)
