"""The page for mapping a file's columns: the file, the answers so far and what they give."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.estate.models import Quantity
from eclectyc.intake.profiles.column_positions import with_its_header
from eclectyc.intake.profiles.form_mapping import (
    ROLES,
    ROLES_OF_LAYOUT,
    Answers,
    checked_mapping,
    number_of,
    roles_of,
)
from eclectyc.intake.profiles.mapping import Mapping
from eclectyc.intake.profiles.open_questions import (
    OpenQuestion,
    assumptions,
    distinct_words,
    missing_answers,
    usual_meaning,
)
from eclectyc.intake.profiles.preview import Preview, PreviewReading, preview_of
from eclectyc.intake.profiles.record_files import parts_of
from eclectyc.intake.profiles.sample_file import TOP_LINES, SampleFile
from eclectyc.kernel.errors import EclectycError
from eclectyc.kernel.plurals import counted, plural
from eclectyc.readers.blocks import LineError
from eclectyc.readers.tables.file_sample import TableSample

MOST_COLUMNS: Final = 60  # shown
SAMPLES: Final = 4  # cells shown of a column
MOST_ERRORS: Final = 6
_WORDS: Final = ("fw", "fm", "qw", "qm")
LAYOUTS: Final = (
    ("long", "One reading per row", "Each row has a meter, a date and time, and a value."),
    ("wide", "One day per row", "The day’s half-hours are in columns."),
    ("daily", "One daily total per row", "Each row has a meter, a date and the day’s usage."),
    ("matrix", "One column per meter", "Each row is a date and time; the headings name the meters."),
    ("registers", "Register reads", "The total on the display, always rising; usage is calculated."),
)
FLAG_CHOICES: Final = (("", "choose…"), ("actual", "actual"), ("estimated", "estimated"), ("missing", "missing"))
QUANTITIES: Final = (*((value, str(label)) for value, label in Quantity.choices),)


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that can be chosen."""

    value: str
    label: str
    is_chosen: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """A column of the file. span : the last column of a run that makes a day; kind : the row type it belongs to."""

    number: int
    name: str
    samples: list[str]
    role: str
    choices: list[Choice]
    quantities: list[Choice]
    unit: str = ""
    span: str = ""
    kind: str = ""

    @property
    def select_name(self) -> str:
        """The name of the field that says what the column is."""
        return f"c{self.number}"

    @property
    def quantity_name(self) -> str:
        """The name of the field that says what the column measures."""
        return f"q{self.number}"

    @property
    def quantity_label(self) -> str:
        return f"What {self.name} measures"


@dataclass(frozen=True, slots=True)
class Word:
    """A word in the file, and what it may mean."""

    number: int
    word: str
    choices: list[Choice]


@dataclass(frozen=True, slots=True)
class ShownReading:
    """A reading as it will be stored, in words."""

    meter: str
    is_new: bool
    day: str
    span: str
    zone: str
    value: float
    unit: str
    quantity: str
    quality: str


@dataclass(slots=True)
class Mapper:
    """Everything that the page shows. fault : why the file as a whole cannot be read this way."""

    answers: Answers
    head: SampleFile
    table: TableSample
    mapping: Mapping | None = None
    preview: Preview | None = None
    fault: EclectycError | None = None
    open: list[OpenQuestion] = field(default_factory=list)
    hidden: int = 0  # columns that are not shown

    @property
    def layout(self) -> str:
        return self.answers.get("layout", "")

    @property
    def layouts(self) -> list[Choice]:
        return [Choice(name, title, name == self.layout, note) for name, title, note in LAYOUTS]

    @property
    def lines(self) -> list[Choice]:
        """The file's first lines, one of which may be its headings."""
        chosen = number_of(self.answers, "header")
        texts = self.head.texts(max(TOP_LINES, min(chosen, 50)))
        return [Choice(str(n), text[:300], n == chosen) for n, text in enumerate(texts, 1)]

    @property
    def has_header(self) -> bool:
        return self.answers.get("header", "0") != "0"

    @property
    def by_records(self) -> bool:
        return bool(number_of(self.answers, "records"))

    @property
    def columns(self) -> list[ShownColumn]:
        """The columns, those of a day's slots as one."""
        roles = roles_of(self.answers)
        inside = self._slots(roles)
        shown = [index for index in range(len(self.table.names)) if index not in inside]
        self.hidden = max(0, len(shown) - MOST_COLUMNS)
        chosen = [index for index in shown[MOST_COLUMNS:] if roles.get(index)]
        return [self._column(index, roles, inside) for index in [*shown[:MOST_COLUMNS], *chosen[:MOST_COLUMNS]]]

    def carried(self, asked: set[str]) -> list[tuple[str, str]]:
        """Return the answers that the page does not show now, as hidden fields, so that none is lost.

        asked : the names of its questions about cells.
        """
        shown = {"sheet", "delimiter", "header", "skip", "records", "layout", "profile", "version", *asked}
        if self.layout:
            shown |= {"name", "sender", "notes"}
            for column in self.columns:
                shown |= {f"c{column.number}"} | ({f"q{column.number}", f"u{column.number}"} if column.role else set())
        return [(name, text) for name, text in self.answers.items() if name not in shown and name[:2] not in _WORDS]

    @property
    def delimiters(self) -> list[tuple[str, str]]:
        words = {"": "detect automatically", ",": "comma", ";": "semicolon", "tab": "tab", "|": "vertical bar"}
        return list(words.items())

    @property
    def kind_cells(self) -> list[int]:
        """The cells that may say what kind a line is of."""
        kind_cell = number_of(self.answers, "records")
        return sorted({1, 2, 3} | ({kind_cell} if kind_cell else set()))

    @property
    def stored(self) -> list[ShownReading]:
        """The first readings, in words."""
        unknown = set(self.preview.unknown) if self.preview else set()
        return [_shown(one, unknown) for one in (self.preview.stored if self.preview else [])]

    @property
    def flag_words(self) -> list[Word]:
        return self._words("f", FLAG_CHOICES)

    @property
    def quantity_words(self) -> list[Word]:
        return self._words("q", (("", "choose…"), *QUANTITIES))

    @property
    def errors(self) -> list[LineError]:
        return self.preview.errors[:MOST_ERRORS] if self.preview else []

    @property
    def more_errors(self) -> int:
        return max(0, len(self.preview.errors) - MOST_ERRORS) if self.preview else 0

    @property
    def announcement(self) -> str:
        """How much of the first rows can be read, for a screen reader."""
        if self.preview is None:
            return ""
        rows, rejected = counted(self.preview.rows, "row"), self.preview.rejected
        return f"{counted(self.preview.readings, 'reading')} in the first {rows}, {rejected:,} rejected"

    @property
    def verdict(self) -> str:
        """How much of the first rows can be read, in a sentence."""
        if self.preview is None:
            return ""
        rows, rejected = counted(self.preview.rows, "row"), self.preview.rejected
        if not self.preview.readings:
            return f"No readings in the first {rows}."
        end = "" if self.open else "; no questions left"
        if rejected:
            end = f"; {counted(rejected, 'row')} {plural(rejected, 'is', 'are')} rejected"
        return f"{counted(self.preview.readings, 'reading')} in the first {rows}{end}."

    @property
    def is_ready(self) -> bool:
        """Whether a profile can be made of it."""
        return self.mapping is not None and self.fault is None and self.preview is not None

    @property
    def is_clean(self) -> bool:
        return self.is_ready and not self.open and bool(self.preview and not self.preview.errors)

    def _slots(self, roles: dict[int, str]) -> set[int]:
        """Return the columns that stand behind the first of a day's slots, or of their flags."""
        if self.layout != "wide":
            return set()
        count, every = number_of(self.answers, "slots_count", 48), number_of(self.answers, "slots_every", 1) or 1
        first = [index for index, role in roles.items() if role in ("slots", "slot_flags")]
        return {index + n * every for index in first for n in range(1, min(count, 300))}

    def _column(self, index: int, roles: dict[int, str], inside: set[int]) -> ShownColumn:
        name, role = self.table.names[index], roles.get(index, "")
        offered = [Choice("", ROLES[""], not role)]
        offered += [Choice(one, self._role_word(one), one == role) for one in ROLES_OF_LAYOUT.get(self.layout, ())]
        last = max((n for n in inside if role in ("slots", "slot_flags") and n >= index), default=0)
        is_run = 0 < last < len(self.table.names)
        span = self.table.names[last] or f"{last + 1}" if is_run else ""
        quantity = self.answers.get(f"q{index + 1}", "")
        parts = parts_of(name) if self.by_records else None
        return ShownColumn(
            index + 1,
            _called(name, index, parts),
            self.table.cells(index)[:SAMPLES],
            role,
            offered,
            [Choice("", "same as the others", not quantity), *(Choice(v, lab, v == quantity) for v, lab in QUANTITIES)],
            self.answers.get(f"u{index + 1}", ""),
            span,
            parts[0] if parts else "",
        )

    def _role_word(self, role: str) -> str:
        return "Meter" if role == "value" and self.layout == "matrix" else ROLES[role]

    def _words(self, kind: str, choices: tuple[tuple[str, str], ...]) -> list[Word]:
        meanings = {self.answers.get(f"{kind}w{n}", ""): self.answers.get(f"{kind}m{n}", "") for n in range(1, 200)}
        words = list(dict.fromkeys([*distinct_words(self.answers, self.table, kind), *(w for w in meanings if w)]))
        found = []
        for n, word in enumerate(words, 1):
            meant = meanings[word] if word in meanings else usual_meaning(kind, word)
            found.append(Word(n, word, [Choice(v, label, v == meant) for v, label in choices]))
        return found


def mapper_of(actor: Actor, organisation: Organisation, head: SampleFile, answers: Answers) -> Mapper:
    """Return what answers make of a file's first rows; raise ``UnreadableFile`` if it is not a table."""
    delimiter = answers.get("delimiter", "")
    table = head.table(
        head.delimiter(delimiter),
        number_of(answers, "header"),
        skip=number_of(answers, "skip"),
        records=number_of(answers, "records") or None,
    )
    made = Mapper(answers, head, table)
    made.open = missing_answers(answers, table)
    if not made.open:
        try:
            mapping = with_its_header(head.source, checked_mapping(answers, table), table.header_line)
            made.mapping = mapping
            made.preview = preview_of(actor, organisation, head, mapping)
        except EclectycError as error:
            made.fault = error
    made.open += assumptions(answers, table, made.preview)
    return made


def _called(name: str, index: int, parts: tuple[str, str] | None) -> str:
    if parts:
        return f"cell {parts[1]}" if parts[1] != "#" else "position under the row above"
    return name or f"Column {index + 1}"


def _shown(one: PreviewReading, unknown: set[str]) -> ShownReading:
    start, end = one.start, one.end
    day, zone = f"{start.day} {start:%b %Y}", f"{start.tzname() or ''} ({start:%z})"
    if end is None:
        span = f"at {start:%H:%M}"
    elif (end - start).total_seconds() > 20 * 3600:
        span = "whole day"
    else:
        span = f"{start:%H:%M}–{end:%H:%M}"
    meter = one.meter.partition(" · ")[0]
    return ShownReading(one.meter, meter in unknown, day, span, zone, one.value, one.unit, one.quantity, one.quality)
