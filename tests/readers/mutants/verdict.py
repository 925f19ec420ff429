"""Check the import of a damaged file: refused with a reason, or nothing stored that the file does not contain."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from eclectyc.intake.report import ImportReport
from tests.readers.mutants import plain_cells as cell
from tests.readers.mutants.plain import Expected, possible_claims
from tests.readers.mutants.plain_tables import key_of
from tests.readers.mutants.plain_text import NoText, lines_of
from tests.readers.mutants.subjects import Mutant, Subject
from tests.readers.mutants.trial import Outcome

_SIGNS = ("a 24:00", "every meter runs")  # evidence from the file that its stamps are ends
_FACTORS = (1.0, 1e-3, 1e3, 0.5, 1e-7, 1e-6, 1e6, 1e-4, 10.0, 100.0, 24.0)


@dataclass
class Comparison:
    """How a mutant was checked: refused, vague or compared."""

    how: str
    why: str = ""


def faults(subject: Subject, mutant: Mutant, outcome: Outcome, usual: ImportReport, seen: Comparison) -> Iterator[str]:
    """Yield the faults of an outcome. usual : the report of the valid file."""
    if outcome.refusal is not None:
        seen.how = "refused"
        if not (outcome.refusal.reason.strip() and outcome.refusal.remedy.strip()):
            yield f"refused without a reason or a remedy: {outcome.refusal!r}"
        return
    report = outcome.report
    assert report is not None
    seen.how = "compared"
    yield from _of_report(subject, mutant, report)
    if subject.slots:
        yield from _of_slots(subject, mutant, outcome, report, usual, seen)
    elif subject.reads:
        yield from _of_reads(subject, mutant, outcome, report, usual, seen)
    else:
        yield from _of_records(subject, mutant, outcome, seen)


def _of_report(subject: Subject, mutant: Mutant, report: ImportReport) -> Iterator[str]:
    if report.rows != report.accepted + report.rejected or min(report.accepted, report.rejected) < 0:
        yield f"{report.rows} rows are not {report.accepted} accepted and {report.rejected} rejected"
    for error in report.errors:
        if not (error.reason.strip() and error.remedy.strip()):
            yield f"an error without a reason or a remedy: {error}"
        if not error.line >= 1:
            yield f"an error of no line: {error}"
    if not subject.is_document and mutant.rows is None and not subject.name.startswith(("xls", "ods")):
        most = len(lines_of(mutant.content))
        yield from (f"the file has {most} lines: {error}" for error in report.errors if error.line > most)
    for text in (*report.warnings, *(error.reason for error in report.errors)):
        if not text.strip() or "Traceback" in text or "object at 0x" in text:
            yield f"words that are none: {text!r}"


def _of_slots(
    subject: Subject, mutant: Mutant, outcome: Outcome, report: ImportReport, usual: ImportReport, seen: Comparison
) -> Iterator[str]:
    assert subject.slots
    more = [text for text in report.warnings if text not in usual.warnings]
    if report.format != usual.format:
        yield from _values_are_printed(mutant, outcome)
        seen.how, seen.why = "vague", f"taken for {report.format}"
        return
    zone = "" if report.timezone == usual.timezone else report.timezone
    if zone and outcome.slots and not more:
        yield f"the clock is {zone} and not {usual.timezone}, and no warning says so"
    if "00:00 is next to 23:30" in report.stamps_why or any("spread over shorter intervals" in text for text in more):
        seen.how, seen.why = "vague", "midnight closes its day, or the periods are shared out"
        yield from _values_are_printed(mutant, outcome)
        return
    why = report.stamps_why.startswith(_SIGNS)
    if report.stamps != usual.stamps and outcome.slots and report.stamps is not None and not (more or why):
        yield f"stamps are {report.stamps} and not {usual.stamps}, and no warning says so"
    expected = subject.slots(mutant, zone, report.stamps or "")
    if expected.must_refuse and outcome.slots:
        yield "a file that is not text, or not valid, gave readings"
        return
    if expected.is_vague:
        seen.how, seen.why = "vague", expected.why_vague
        yield from _values_are_printed(mutant, outcome)
        return
    yield from _nothing_invented(subject, expected, outcome, seen)
    yield from _nothing_lost(expected, outcome, report, bool(more))


def _nothing_invented(subject: Subject, expected: Expected, outcome: Outcome, seen: Comparison) -> Iterator[str]:
    for key, (value, quality, step) in outcome.slots.items():
        if step != subject.step:
            seen.how, seen.why = "vague", "another step"
            continue
        claims = possible_claims(expected.slots.get(key, []))
        if not any(_same(value, claim.value) for claim in claims):
            yield f"{key} holds {value!r}, and the file says {expected.slots.get(key, [])[:4]}"
        elif not any(_same(value, one.value) and quality in (one.quality, 5) for one in claims):
            yield f"{key} is of quality {quality}, and the file says {expected.slots[key][:4]}"


def _nothing_lost(expected: Expected, outcome: Outcome, report: ImportReport, is_warned: bool) -> Iterator[str]:
    named = {error.line for error in report.errors}
    lost = {
        claim.line: (key, claim)
        for key, claims in expected.slots.items()
        if key not in outcome.slots and all(claim.is_sure for claim in claims)
        for claim in possible_claims(claims)
        if claim.line not in named
    }
    if len(lost) > report.rejected - len(named) and lost and not is_warned:
        line, (key, claim) = next(iter(lost.items()))
        yield f"{len(lost)} lines are lost without a word, as line {line}: {key} {claim}"
    if len({claim.line for claims in expected.slots.values() for claim in claims if claim.is_sure}) > report.rows:
        yield f"the file has more data lines than {report.rows}"


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


def _values_are_printed(mutant: Mutant, outcome: Outcome) -> Iterator[str]:
    """Check that every stored value is printed somewhere in the file, in some unit."""
    if mutant.rows is None and mutant.content[:2] in (b"PK", b"\xd0\xcf"):
        return
    try:
        lines = lines_of(mutant.content) if mutant.rows is None else ["\t".join(row) for _, row in mutant.rows]
    except NoText:
        if outcome.slots:
            yield "a file that is not text gave readings"
        return
    text = "\n".join(lines)
    tokens = re.findall(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", text)
    tokens += re.findall(r"[+-]?[0-9]+\.?[0-9]*", text.replace(",", "."))
    tokens += re.findall(r"[+-]?[0-9]+\.?[0-9]*", text.replace(",", "")) + re.findall(r"[0-9]+\.?[0-9]*", text)
    printed = {f"{float(token) * factor:.8e}" for token in tokens for factor in _FACTORS}
    for key, (value, quality, _) in outcome.slots.items():
        if quality != 4 and f"{value:.8e}" not in printed and value != 0:
            yield f"{key} holds {value!r}, which is printed nowhere"
            return


def _of_reads(
    subject: Subject, mutant: Mutant, outcome: Outcome, report: ImportReport, usual: ImportReport, seen: Comparison
) -> Iterator[str]:
    assert subject.reads
    expected = subject.reads(mutant) if report.format == usual.format else None
    if expected is None:
        seen.how, seen.why = "vague", "no header like the golden file's"
        return
    known = {(one.line, one.meter, "".join(one.serial.split()), one.code, one.at, one.value): one for one in expected}
    lines = set()
    for read in outcome.reads:
        at = (read["stamp"] or read["instant"]).replace(tzinfo=None)
        code = read.get("kind") or (read["register"] or "")
        serial = "".join((read.get("serial") or "").split())
        if code and subject.name == "deliveries" and known:
            code = next((one[3] for one in known if one[0] == read["line"] and _kind(one[3]) == code), code)
        found = known.get((read["line"], read["meter"], serial, code, at, read["value"]))
        lines.add(read["line"])
        if found is None:
            yield f"{read} is not what the file says: {[one for one in expected if one.line == read['line']]}"
        elif "quality" in read and found.qualities and read["quality"] not in (*found.qualities, 5):
            yield f"{read} is of another quality than the file says: {found}"
    named = {error.line for error in report.errors}
    lost = {one.line for one in expected if one.qualities} - lines - named
    more = [text for text in report.warnings if text not in usual.warnings]
    if lost and not more and len(lost) > report.rejected - len(named):
        yield f"lines {sorted(lost)[:5]} are lost without a word"


def _kind(word: str) -> str:
    return "delivery" if word.startswith(("deliver", "d", "fill", "refill", "drop")) and word != "dip" else "dip"


def _of_records(subject: Subject, mutant: Mutant, outcome: Outcome, seen: Comparison) -> Iterator[str]:
    assert subject.records
    expected = subject.records(mutant)
    if expected is None:
        seen.how, seen.why = "vague", "no header like the golden file's"
        return
    for line, fields in outcome.records:
        printed = expected.get(line, {}).values()
        cells = [_plain(one) for text in printed for one in (text, *cell.identifiers(text))]
        for name, value in fields.items():
            for text in value.values() if isinstance(value, dict) else [value]:
                if _plain(str(text)) not in cells:
                    yield f"line {line}: {name} is {text!r}, and the file says {expected.get(line)}"


def _plain(text: str) -> str:
    text = text.strip().removeprefix("'").strip()
    try:
        return f"{float(text.replace(',', '')):.9e}"
    except ValueError:
        return {"elec": "electricity", "power": "electricity"}.get(key_of(text), key_of(text))
