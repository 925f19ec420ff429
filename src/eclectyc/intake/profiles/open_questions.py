"""What a mapping still leaves open, in sentences, in the order to answer them: what is needed first, then what is
taken for granted as long as nobody says otherwise."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from eclectyc.intake.profiles.form_mapping import ROLES, Answers, number_of, roles_of, words_of
from eclectyc.intake.profiles.preview import Preview
from eclectyc.intake.profiles.suggest import looks_like_registers
from eclectyc.kernel.plurals import counted, worded
from eclectyc.readers.tables.cell_vocabulary import flag_of, quantity_of
from eclectyc.readers.tables.file_sample import TableSample

MOST_WORDS: Final = 24
_EITHER_WAY: Final = re.compile(r"(0?[1-9]|1[0-2])[/.-](0?[1-9]|1[0-2])[/.-][0-9]{2,4}.*")


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """Something that is not said. at : the name of the answer that would say it."""

    text: str
    at: str
    kind: Literal["needed", "assumed"] = "needed"


def missing_answers(answers: Answers, table: TableSample) -> list[OpenQuestion]:
    """Return what has to be said before anything can be read."""
    layout, roles = answers.get("layout", ""), set(roles_of(answers).values())
    if not layout:
        return [OpenQuestion("Choose how the file is laid out.", "layout")]
    found = _doubles(answers, table)
    if layout == "wide" and "slots" not in roles:
        found.append(OpenQuestion("Which is the first of the day’s columns? Set it to “First of the day”.", "columns"))
    if "stamp" not in roles and "date" not in roles:
        words = "date" if layout in ("wide", "daily") else "date, or the date and time"
        found.append(OpenQuestion(f"Which column is the {words}?", "columns"))
    elif layout == "long" and "stamp" not in roles and not roles & {"time", "period"}:
        found.append(OpenQuestion("Which column is the time of day, or the period of the day?", "columns"))
    if layout in ("long", "daily", "registers") and "value" not in roles:
        found.append(OpenQuestion("Which column holds the values?", "columns"))
    if layout != "matrix" and not roles & {"meter"} and not answers.get("meter", "").strip():
        found.append(OpenQuestion("Which column is the meter? If the file is of one meter, name it.", "meter"))
    if layout == "matrix" and answers.get("header") == "0":
        found.append(OpenQuestion("A column for each meter needs headings: choose the line that names them.", "header"))
    if answers.get("unknown") == "create" and not answers.get("site", "").strip():
        found.append(OpenQuestion("At which site are new meters made?", "site"))
    return found


def assumptions(answers: Answers, table: TableSample, preview: Preview | None) -> list[OpenQuestion]:
    """Return what is taken for granted, and could be wrong."""
    found = [*_words(answers, table)]
    cells = [
        cell for index, role in roles_of(answers).items() if role in ("stamp", "date") for cell in table.cells(index)
    ]
    if cells and not answers.get("dates") and all(_EITHER_WAY.fullmatch(cell) for cell in cells):
        found.append(
            OpenQuestion(f"{cells[0]} could be read two ways: the day is taken to come first.", "dates", "assumed")
        )
    if answers.get("layout") in ("long", "daily") and looks_like_registers(table, roles_of(answers)):
        found.append(
            OpenQuestion(
                "The values only ever rise: if they are what a meter shows, choose “Register readings”.",
                "layout",
                "assumed",
            )
        )
    if preview is None:
        return found
    if preview.stamps_assumed and not answers.get("stamps"):
        found.append(
            OpenQuestion(
                "Does a time mark the start or the end of its period? The start is assumed.", "stamps", "assumed"
            )
        )
    if preview.assumed_unit:
        found.append(OpenQuestion("No unit is told: values are taken as kWh.", "unit", "assumed"))
    if preview.unknown and not answers.get("unknown"):
        named = ", ".join(preview.unknown[:2]) + (" …" if len(preview.unknown) > 2 else "")
        many, are = counted(len(preview.unknown), "meter"), worded(len(preview.unknown), "is", "are")
        theirs, them = ("its", "it") if len(preview.unknown) == 1 else ("their", "them")
        text = f"{many} {are} not known ({named}): {theirs} lines are rejected, unless you have {them} made."
        found.append(OpenQuestion(text, "unknown", "assumed"))
    return found


def distinct_words(answers: Answers, table: TableSample, kind: str) -> list[str]:
    """Return the words that stand in the columns of flags (``f``) or of quantities (``q``), each once."""
    wanted = {"f": ("flag", "slot_flags"), "q": ("quantity",)}[kind]
    found: dict[str, None] = {}
    for index, role in roles_of(answers).items():
        if role in wanted:
            columns = [index]
            if role == "slot_flags":
                every, count = number_of(answers, "slots_every", 1) or 1, number_of(answers, "slots_count", 48)
                columns = [index + n * every for n in range(min(count, 300))]
            for column in columns:
                found |= dict.fromkeys(table.cells(column))
    return [word[:100] for word in found if word not in ("", "-")][:MOST_WORDS]


def usual_meaning(kind: str, word: str) -> str:
    """Return what a word means everywhere; empty where nothing is known of it."""
    if kind == "q":
        return quantity_of(word) or ""
    return {1: "actual", 2: "estimated"}.get(flag_of(word) or 0, "")


def _doubles(answers: Answers, table: TableSample) -> list[OpenQuestion]:
    by_role: dict[str, list[int]] = {}
    for index, role in roles_of(answers).items():
        if role and role != "value" and index < len(table.names):
            by_role.setdefault(role, []).append(index)
    found = []
    for role, columns in by_role.items():
        if len(columns) > 1:
            names = " and ".join(f"“{table.names[n] or f'Column {n + 1}'}”" for n in columns[:3])
            found.append(
                OpenQuestion(f"{names} are both “{ROLES[role]}”: leave one of them out.", f"c{columns[-1] + 1}")
            )
    return found


def _words(answers: Answers, table: TableSample) -> list[OpenQuestion]:
    found = []
    for kind, what in (("f", "actual, estimated or missing"), ("q", "measures")):
        said = words_of(answers, kind)
        unknown = [w for w in distinct_words(answers, table, kind) if w not in said and not usual_meaning(kind, w)]
        if unknown:
            named = ", ".join(f"“{word}”" for word in unknown[:4]) + (" …" if len(unknown) > 4 else "")
            question = f"Does {named} mean {what}?" if kind == "f" else f"What does {named} measure?"
            found.append(OpenQuestion(question, f"{kind}w", "needed"))
    return found
