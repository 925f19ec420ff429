"""The open questions of a mapping, in the order to answer them: first what is required, then what is assumed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from eclectyc.intake.profiles.form_mapping import ROLES, Answers, number_of, roles_of, words_of
from eclectyc.intake.profiles.preview import Preview
from eclectyc.intake.profiles.suggest import looks_like_registers
from eclectyc.kernel.plurals import counted, plural
from eclectyc.readers.tables.cell_vocabulary import flag_of, quantity_of
from eclectyc.readers.tables.file_sample import TableSample

MOST_WORDS: Final = 24
_EITHER_WAY: Final = re.compile(r"(0?[1-9]|1[0-2])[/.-](0?[1-9]|1[0-2])[/.-][0-9]{2,4}.*")


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """An open question. at : the name of its answer."""

    text: str
    at: str
    kind: Literal["needed", "assumed"] = "needed"


def missing_answers(answers: Answers, table: TableSample) -> list[OpenQuestion]:
    """Return the questions to answer before anything can be read."""
    layout, roles = answers.get("layout", ""), set(roles_of(answers).values())
    if not layout:
        return [OpenQuestion("Choose a layout.", "layout")]
    found = _doubles(answers, table)
    if layout == "wide" and "slots" not in roles:
        found.append(
            OpenQuestion("Which column is the first period of the day? Set it to “First period of the day”.", "columns")
        )
    if "stamp" not in roles and "date" not in roles:
        words = "date" if layout in ("wide", "daily") else "date, or the date and time"
        found.append(OpenQuestion(f"Which column contains the {words}?", "columns"))
    elif layout == "long" and "stamp" not in roles and not roles & {"time", "period"}:
        found.append(OpenQuestion("Which column contains the time, or the period of the day?", "columns"))
    if layout in ("long", "daily", "registers") and "value" not in roles:
        found.append(OpenQuestion("Which column contains the values?", "columns"))
    if layout != "matrix" and not roles & {"meter"} and not answers.get("meter", "").strip():
        found.append(
            OpenQuestion("Which column contains the meter? If the file is of one meter, enter the meter.", "meter")
        )
    if layout == "matrix" and answers.get("header") == "0":
        found.append(
            OpenQuestion("A column for each meter needs headings. Choose the line with the headings.", "header")
        )
    if answers.get("unknown") == "create" and not answers.get("site", "").strip():
        found.append(OpenQuestion("At which site should new meters be created?", "site"))
    return found


def assumptions(answers: Answers, table: TableSample, preview: Preview | None) -> list[OpenQuestion]:
    """Return the assumptions that could be wrong."""
    found = [*_words(answers, table)]
    cells = [
        cell for index, role in roles_of(answers).items() if role in ("stamp", "date") for cell in table.cells(index)
    ]
    if cells and not answers.get("dates") and all(_EITHER_WAY.fullmatch(cell) for cell in cells):
        found.append(OpenQuestion(f"{cells[0]} is ambiguous. The day is assumed to come first.", "dates", "assumed"))
    if answers.get("layout") in ("long", "daily") and looks_like_registers(table, roles_of(answers)):
        found.append(
            OpenQuestion(
                "The values only rise. If they are register reads, choose the layout “Register readings”.",
                "layout",
                "assumed",
            )
        )
    if preview is None:
        return found
    if preview.stamps_assumed and not answers.get("stamps"):
        found.append(
            OpenQuestion(
                "Do times mark the start or the end of each period? The start is assumed.", "stamps", "assumed"
            )
        )
    if preview.assumed_unit:
        found.append(OpenQuestion("The file gives no unit. kWh is assumed.", "unit", "assumed"))
    if preview.unknown and not answers.get("unknown"):
        named = ", ".join(preview.unknown[:2]) + (" …" if len(preview.unknown) > 2 else "")
        many, are = counted(len(preview.unknown), "meter"), plural(len(preview.unknown), "is", "are")
        theirs, them = ("Its", "it") if len(preview.unknown) == 1 else ("Their", "them")
        text = f"{many} {are} new ({named}). {theirs} lines are rejected unless you choose to create {them}."
        found.append(OpenQuestion(text, "unknown", "assumed"))
    return found


def distinct_words(answers: Answers, table: TableSample, kind: str) -> list[str]:
    """Return the distinct words in the columns of flags (``f``) or of quantities (``q``)."""
    roles = {"f": ("flag", "slot_flags"), "q": ("quantity",)}[kind]
    found: dict[str, None] = {}
    for index, role in roles_of(answers).items():
        if role in roles:
            columns = [index]
            if role == "slot_flags":
                every, count = number_of(answers, "slots_every", 1) or 1, number_of(answers, "slots_count", 48)
                columns = [index + n * every for n in range(min(count, 300))]
            for column in columns:
                found |= dict.fromkeys(table.cells(column))
    return [word[:100] for word in found if word not in ("", "-")][:MOST_WORDS]


def usual_meaning(kind: str, word: str) -> str:
    """Return the usual meaning of a word; empty if it has none."""
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
                OpenQuestion(f"{names} are both “{ROLES[role]}”. Set all but one to “Not used”.", f"c{columns[-1] + 1}")
            )
    return found


def _words(answers: Answers, table: TableSample) -> list[OpenQuestion]:
    found = []
    for kind, what in (("f", "actual, estimated or missing"), ("q", "measures")):
        known = words_of(answers, kind)
        unknown = [w for w in distinct_words(answers, table, kind) if w not in known and not usual_meaning(kind, w)]
        if unknown:
            named = ", ".join(f"“{word}”" for word in unknown[:4]) + (" …" if len(unknown) > 4 else "")
            question = f"Does {named} mean {what}?" if kind == "f" else f"What does {named} measure?"
            found.append(OpenQuestion(question, f"{kind}w", "needed"))
    return found
