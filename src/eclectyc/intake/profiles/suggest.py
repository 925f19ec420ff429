"""Suggest a mapping for an unknown file from its headings and cells. Each suggestion can be changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import PurePath
from typing import Final

from eclectyc.intake.profiles.form_mapping import Answers, number_of
from eclectyc.intake.profiles.record_files import MOST_KINDS, RANK
from eclectyc.intake.profiles.sample_file import DELIMITER_WORDS, SampleFile
from eclectyc.kernel.units import is_unit
from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.files.source import HEAD_LINES
from eclectyc.readers.tables.cell_vocabulary import flag_of, quantity_of
from eclectyc.readers.tables.dates import BadDate, parse_date, parse_stamp, parse_time
from eclectyc.readers.tables.field_columns import find_fields, moment_kind
from eclectyc.readers.tables.file_sample import SampleLine, TableSample
from eclectyc.readers.tables.headings import is_rate, parse_heading
from eclectyc.readers.tables.numbers import parse_number
from eclectyc.readers.tables.slot_columns import SlotColumns, count_slots, find_slots

_SAMPLE: Final = 60  # cells of a column
_MOST_COLUMNS: Final = 400
_MOST_NAMES: Final = 2000  # headings searched for a day's columns
_COUNTS: Final = (300, 288, 276, 100, 96, 92, 50, 48, 46, 25, 24, 23)
_PERIOD: Final = re.compile(r"0?[1-9]|[1-4][0-9]|50")
_COMMA: Final = re.compile(r"[+-]?[0-9]{1,3}(?:[. ]?[0-9]{3})*,[0-9]+|[+-]?[0-9]+,[0-9]+")
_MONTH_FIRST: Final = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2[0-9]{4}( [0-9]{1,2}:[0-9]{2}(:[0-9]{2})?)?")


def suggest_answers(head: SampleFile) -> Answers:
    """Return the answers that a file's first lines suggest."""
    delimiter = head.delimiter()
    found: Answers = {"delimiter": DELIMITER_WORDS.get(delimiter, ""), "sheet": head.sheet}
    kinds = _kind_cell(head, delimiter)
    if kinds:
        found["records"] = str(kinds)
    else:
        found |= _header(head.lines(delimiter)[:HEAD_LINES])
    return _without_blanks(suggest_columns(head, found) | found | {"name": _name(head.name)})


def suggest_columns(head: SampleFile, answers: Answers) -> Answers:
    """Return the answers that columns suggest, given the line of the headings and the delimiter."""
    delimiter = head.delimiter(answers.get("delimiter", ""))
    kinds = number_of(answers, "records")
    table = head.table(delimiter, number_of(answers, "header"), skip=number_of(answers, "skip"), records=kinds or None)
    return _without_blanks(_of_records(table) if kinds else _columns(table))


def _of_records(table: TableSample) -> Answers:
    """Return the roles for a file with several record types: values are in the type with the most lines."""
    depth: dict[str, int] = {}
    for index, name in enumerate(table.names):
        kind = name.rpartition(".")[0]
        depth[kind] = max(depth.get(kind, 0), len(table.cells(index)))
    most = max(depth, key=lambda kind: depth[kind], default="")
    found: Answers = {"layout": "long"}
    taken: set[str] = set()
    for index, name in enumerate(table.names):
        kind, _, cell = name.rpartition(".")
        role = _by_cells(table.cells(index)[:_SAMPLE], depth[kind] + 1, taken - {"value"})
        if cell == RANK:
            role = "period" if kind == most and not taken & {"time", "stamp", "period"} else ""
        if role == "value" and (kind != most or "value" in taken):
            role = ""
        if role and depth[kind]:
            found[f"c{index + 1}"] = role
            taken.add(role)
    return found


def _header(lines: list[SampleLine]) -> Answers:
    """Return the line of the headings: words, most of its cells filled, with data under it; 0 if there is none."""
    widths = [len(line.cells) for line in lines if any(line.cells)]
    common = max(set(widths), key=lambda width: (widths.count(width), width), default=0)
    best, rank = 0, (0, False, 0.0)
    for n, line in enumerate(lines):
        filled = [cell for cell in line.cells[:_MOST_COLUMNS] if cell]
        width = min(common, _MOST_COLUMNS)
        if len(filled) * 2 < width or 3 * sum(map(_is_data, filled)) > len(filled):
            continue
        known = min(3, sum(bool(parse_heading(0, cell).role) for cell in filled) + count_slots(filled))
        below = [cell for cell in lines[n + 1].cells[:_MOST_COLUMNS] if cell] if n + 1 < len(lines) else []
        so_far = (known, 3 * sum(map(_is_data, below)) > len(below) > 0, len(filled) / max(1, width))
        if so_far > rank:
            best, rank = line.number, so_far
    if best:
        return {"header": str(best)}
    first = next((line.number for line in lines if sum(map(_is_data, line.cells)) > 0), 1)
    return {"header": "0", "skip": str(first - 1) if first > 1 else ""}


def _is_data(cell: str) -> bool:
    return (
        parse_number(cell) is not None
        or bool(_COMMA.fullmatch(cell))
        or _parses(parse_stamp, cell)
        or (_parses(parse_date, cell))
    )


def _kind_cell(head: SampleFile, delimiter: str) -> int:
    """Return 1 if the first cells are a few codes and lines differ in width, otherwise 0."""
    lines = [line.cells for line in head.lines(delimiter) if any(line.cells)]
    kinds: dict[str, set[int]] = {}
    for cells in lines:
        kinds.setdefault(cells[0], set()).add(len(cells))
    widths = {width for own in kinds.values() for width in own}
    is_flow = 3 <= len(kinds) <= min(MOST_KINDS, max(3, len(lines) // 3)) and len(widths) > 1
    return 1 if is_flow and all(re.fullmatch("[A-Z0-9]{2,6}", kind) for kind in kinds) else 0


def _columns(table: TableSample) -> Answers:
    slots = _slots(table)
    roles = _roles(table, slots)
    first, count = (0, 0) if any(table.names) else _day_in_a_line(roles)
    if count:
        roles = {n: role for n, role in roles.items() if not first <= n < first + count} | {first: "slots"}
    found = {f"c{index + 1}": role for index, role in roles.items()}
    has = set(roles.values())
    if slots:
        found |= {"layout": "wide", "slots_count": str(len(slots.values))}
        every = slots.values[1] - slots.values[0] if len(slots.values) > 1 else 1
        found["slots_every"] = str(every) if every > 1 else ""
        found["slots_are"] = slots.placing
    elif count:
        found |= {"layout": "wide", "slots_count": str(count), "slots_are": "position"}
    elif "stamp" in has or ("date" in has and has & {"time", "period"}):
        numbers = [index for index in roles if roles[index] == "value"]
        is_matrix = "meter" not in has and len(numbers) > 1
        found["layout"] = "matrix" if is_matrix else "long"
        if not is_matrix:
            found |= {f"c{index + 1}": "" for index in numbers[1:] if not parse_heading(index, table.names[index]).role}
    elif "date" in has:
        found["layout"] = "daily"
    if found.get("layout") in ("long", "daily") and looks_like_registers(table, roles):
        found["layout"] = "registers"
    numeric = [*slots.values] if slots else [index for index, role in roles.items() if role == "value"]
    if any(_has_commas(table.cells(index)[:_SAMPLE]) for index in numeric[:20]):
        found["decimal"] = "comma"
    moment = next((index for index, role in roles.items() if role in ("stamp", "date")), None)
    if moment is not None:
        found["dates"] = _month_first(table.cells(moment))
    return found


def looks_like_registers(table: TableSample, roles: dict[int, str]) -> bool:
    """Return whether the values of every meter only rise, as a register's do, and by little relative to their size."""
    meter = next((index for index, role in roles.items() if role == "meter"), None)
    values = [index for index, role in roles.items() if role == "value"]
    if len(values) != 1:
        return False
    of_meter: dict[str, list[float]] = {}
    for row in table.rows:
        if len(row) > max(values[0], meter or 0):
            text = row[values[0]]
            if _COMMA.fullmatch(text):
                text = re.sub(r"[. ]", "", text).replace(",", ".")
            number = parse_number(text)
            if number is not None:
                of_meter.setdefault(row[meter] if meter is not None else "", []).append(number)
    return bool(of_meter) and all(_rises(numbers) for numbers in of_meter.values())


def _rises(numbers: list[float]) -> bool:
    steps = [after - before for before, after in pairwise(numbers)]
    if len(steps) < 3 or not any(steps) or (min(steps) < 0 and max(steps) > 0):
        return False
    level = min(numbers)
    return level >= 100 and level >= 3 * max(abs(step) for step in steps)


def _slots(table: TableSample) -> SlotColumns | None:
    try:
        found = find_slots(table.names) if len(table.names) <= _MOST_NAMES else None
    except UnreadableFile:
        return None
    return found if found is None or len(found.values) in _COUNTS else None


def _roles(table: TableSample, slots: SlotColumns | None) -> dict[int, str]:
    """Return the role of each column that suggests one: by its heading first, then by its cells."""
    day_columns = {*(slots.values if slots else ()), *(slots.flags if slots else ())}
    roles: dict[int, str] = {}
    if slots:
        roles[slots.values[0]] = "slots"
        roles |= {slots.flags[0]: "slot_flags"} if slots.flags else {}
    roles |= _by_heading(table, frozenset(day_columns))
    taken = {role for role in roles.values() if role != "value"}
    for index in range(min(len(table.names), _MOST_COLUMNS)):
        if index in roles or index in day_columns or is_rate(table.names[index]):
            continue
        role = _by_cells(table.cells(index)[:_SAMPLE], len(table.rows), taken)
        if role and (role != "value" or (not slots and "value" not in _named(table, roles))):
            roles[index] = role
            taken |= {role} - {"value"}
    return dict(sorted(roles.items()))


def _named(table: TableSample, roles: dict[int, str]) -> set[str]:
    """Return the roles that headings give."""
    return {role for index, role in roles.items() if parse_heading(index, table.names[index]).role}


def _by_heading(table: TableSample, skip: frozenset[int]) -> dict[int, str]:
    try:
        fields = find_fields(table, skip)
    except UnreadableFile:  # two columns of one kind: the first
        found: dict[int, str] = {}
        for column in table.columns[:_MOST_COLUMNS]:
            role = moment_kind(table, column) if column.role == "moment" else column.role
            if column.index not in skip and role and role != "total" and role not in found.values():
                found[column.index] = role
        return found
    singles = ("meter", "stamp", "date", "time", "period", "unit", "flag", "quantity")
    roles = {column.index: role for role in singles if (column := getattr(fields, role)) is not None}
    roles |= {column.index: "" for column in (fields.end, *fields.totals) if column}
    return roles | ({} if skip else {column.index: "value" for column in fields.values})


def _by_cells(cells: list[str], rows: int, taken: set[str]) -> str:
    """Return the role that a column's cells suggest; empty if they suggest none that is free."""

    def all_of(test: Callable[[str], object]) -> bool:
        return bool(cells) and all(test(cell) for cell in cells)

    def most_of(test: Callable[[str], object]) -> bool:
        return 4 * sum(bool(test(cell)) for cell in cells) >= 3 * len(cells) > 0

    distinct = set(cells)
    few = len(distinct) <= 6 and rows > len(distinct)
    is_first_moment = not taken & {"stamp", "date"}
    needs_time = "date" in taken and not taken & {"time", "period"}
    suggest_columns = (
        ("stamp", is_first_moment and most_of(_is_stamp)),
        ("date", is_first_moment and most_of(_is_date)),
        ("time", needs_time and all_of(lambda cell: ":" in cell and _parses(parse_time, cell))),
        ("period", needs_time and len(distinct) > 2 and all_of(_PERIOD.fullmatch)),
        ("meter", "meter" not in taken and all_of(_is_identifier)),
        ("value", most_of(lambda cell: parse_number(cell) is not None or _COMMA.fullmatch(cell))),
        ("unit", few and "unit" not in taken and all_of(is_unit)),
        ("quantity", few and "quantity" not in taken and all_of(quantity_of)),
        ("flag", few and "flag" not in taken and all_of(_is_flag) and _are_flags(distinct)),
    )
    return next((role for role, is_so in suggest_columns if is_so), "")


def _is_identifier(cell: str) -> bool:
    return bool(re.fullmatch(r"[A-Z0-9-]{6,24}", cell) and re.search("[0-9]{4}", cell))


def _is_flag(cell: str) -> bool:
    return len(cell) <= 9 and cell.isalpha()


def _are_flags(words: set[str]) -> bool:
    return any(flag_of(word) is not None for word in words) or all(len(word) == 1 for word in words)


def _day_in_a_line(roles: dict[int, str]) -> tuple[int, int]:
    """Return the first column and the length of a run of numbers that is as long as a day; or (0, 0)."""
    numbers = [index for index, role in roles.items() if role == "value"]
    for first in numbers[:40]:
        run = next(n for n in range(len(roles) + 1) if roles.get(first + n) != "value")
        if run in _COUNTS:
            return first, run
    return 0, 0


def _has_commas(cells: list[str]) -> bool:
    return any(_COMMA.fullmatch(cell) for cell in cells) and not any(
        re.fullmatch(r"-?[0-9]+\.[0-9]{1,2}", c) for c in cells
    )


def _month_first(cells: list[str]) -> str:
    """Return the format of dates that can only be month first; empty if the day may come first."""
    found = [match for cell in cells[:_SAMPLE] if (match := _MONTH_FIRST.fullmatch(cell))]
    if not found or not any(int(match[3]) > 12 for match in found) or any(int(match[1]) > 12 for match in found):
        return ""
    mark = found[0][2]
    clock = " HH:mm:ss" if found[0][5] else " HH:mm" if found[0][4] else ""
    return f"MM{mark}DD{mark}YYYY{clock}"


def _is_stamp(cell: str) -> bool:
    return (":" in cell and _parses(parse_stamp, cell)) or bool((m := _MONTH_FIRST.fullmatch(cell)) and m[4])


def _is_date(cell: str) -> bool:
    looks_so = bool(re.search(r"[0-9][/.-][0-9A-Za-z]", cell)) or bool(re.fullmatch("(19|20)[0-9]{6}", cell))
    return looks_so and (_parses(parse_date, cell) or bool(_MONTH_FIRST.fullmatch(cell)))


def _parses(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except BadDate as error:
        return error.month_first
    return True


def _name(file: str) -> str:
    """Return a file's name without its date, its number and its ending."""
    stem = PurePath(file).name.split(".")[0]
    words = [word for word in re.split(r"[\s_.-]+", stem) if word and not re.search("[0-9]", word)]
    return " ".join(words)[:80].strip() or "New profile"


def _without_blanks(found: Answers) -> Answers:
    return {name: text for name, text in found.items() if text}
