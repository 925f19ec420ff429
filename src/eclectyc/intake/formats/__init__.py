"""The formats that are read. Each is one module here, one line in ``_readers``, and one test.

To add a format: write ``formats/<name>.py`` with a class that has

- ``name``, the word for ``-t`` and in reports, and ``kind`` (readings, registers, tank, sites or meters);
- ``recognise(head)``: return a ``Recognition`` that says why and how sure, or None if the file is of another
  shape; raise ``UnreadableFile`` if it is this format but cannot be read as it stands. ``head.table`` is the
  file's header and first lines as a table, ``head.text`` its first text for formats that are none;
- ``read(source, seen, options)``: yield ``(block, errors)`` in file order. Tables go through
  ``records.convert_all``, which takes care of quotes, ragged lines, blank lines and line numbers.

Then add it to ``_readers`` below and write a test beside ``tests/intake/read/test_long.py``. Nothing else changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Protocol

from eclectyc.intake.blocks import Block, LineError, ReadOptions, Recognition
from eclectyc.intake.files.head import Head
from eclectyc.intake.files.source import Source

Kind = Literal["readings", "registers", "tank", "sites", "meters"]


class Reader(Protocol):
    """Reads one format."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> Kind: ...

    def recognise(self, head: Head) -> Recognition | None: ...

    def read(
        self, source: Source, seen: Recognition, options: ReadOptions
    ) -> Iterator[tuple[Block, list[LineError]]]: ...


def readers() -> list[Reader]:
    """Return every reader, the more particular ones first."""
    from eclectyc.intake.formats.bglobal import BGlobal
    from eclectyc.intake.formats.d0010 import D0010
    from eclectyc.intake.formats.d0379 import D0379
    from eclectyc.intake.formats.daily import Daily
    from eclectyc.intake.formats.deliveries import Deliveries
    from eclectyc.intake.formats.glowmarkt import Glowmarkt
    from eclectyc.intake.formats.greenbutton import GreenButton
    from eclectyc.intake.formats.long import Long
    from eclectyc.intake.formats.matrix import Matrix
    from eclectyc.intake.formats.meters import Meters
    from eclectyc.intake.formats.n3rgy import N3rgy
    from eclectyc.intake.formats.nem12 import Nem12
    from eclectyc.intake.formats.nem13 import Nem13
    from eclectyc.intake.formats.octopus import Octopus
    from eclectyc.intake.formats.registers import Registers
    from eclectyc.intake.formats.sites import Sites
    from eclectyc.intake.formats.stark import Stark
    from eclectyc.intake.formats.wide import Wide

    return [
        Octopus(),
        N3rgy(),
        Glowmarkt(),
        GreenButton(),
        Nem12(),
        Nem13(),
        D0010(),
        D0379(),
        Stark(),
        BGlobal(),
        Wide(),
        Long(),
        Daily(),
        Matrix(),
        Registers(),
        Deliveries(),
        Meters(),
        Sites(),
    ]
