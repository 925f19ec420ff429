"""Files of sites and meters: each line makes a thing or brings it up to date; never a second one of a name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.batches.lifecycle import Claim, tell_audit
from eclectyc.batches.models import Batch
from eclectyc.estate.formula.parse import parse
from eclectyc.estate.formula.tokens import hyphenated
from eclectyc.estate.meters import create_meter, update_meter
from eclectyc.estate.models import Meter, Site
from eclectyc.estate.sites import create_site, update_site
from eclectyc.intake.report import ErrorLog, ImportReport, grouped_warnings
from eclectyc.kernel.errors import EclectycError, Invalid
from eclectyc.readers.blocks import LineError, ReadOptions, Recognition, RecordBlock
from eclectyc.readers.files.source import Source
from eclectyc.readers.formats import Reader

Fields = dict[str, Any]
Line = tuple[int, Fields]


@dataclass(frozen=True, slots=True)
class Records:
    """A file of sites or meters on its way in."""

    actor: Actor
    organisation: Organisation
    reader: Reader
    source: Source
    seen: Recognition
    report: ImportReport
    log: ErrorLog
    site_name: str = ""  # of meters whose line names none
    claim: Claim = Claim()  # noqa: RUF009 - it never changes

    def each(self) -> Iterator[tuple[int, Fields]]:
        """Yield each record's line and fields; what is blank is not said, and so not changed."""
        for block, errors in self.reader.read(self.source, self.seen, ReadOptions(self.reader.name)):
            self.log.extend(errors)
            self.report.rows += block.rows + len({error.line for error in errors})
            if isinstance(block, RecordBlock):
                for row in block.frame.iter_rows(named=True):
                    line = row.pop("line")
                    yield line, _fields({name: text for name, text in row.items() if text is not None})


def _fields(said: Mapping[str, str]) -> Fields:
    """Put columns that refer to other systems together."""
    fields: Fields = {name: text for name, text in said.items() if not name.endswith("_id")}
    references = {name: text for name, text in said.items() if name.endswith("_id")}
    return fields | ({"outside_references": references} if references else {})


def import_records(records: Records) -> None:
    """Bring the organisation's sites or meters up to date from a file: all its sound lines, in one transaction."""
    report = records.report
    with records.claim.held():
        apply = _apply_sites if records.reader.kind == "sites" else _apply_meters
        apply(records)
        report.warnings = grouped_warnings([*report.warnings, *records.seen.warnings])
        report.add_errors(records.log)
        if report.dry_run:
            transaction.set_rollback(True)
        else:
            report.batch = _batch(records).pk


def _batch(records: Records) -> Batch:
    """Write the import into the history. It has no readings, so the lake knows nothing of it."""
    report, now = records.report, timezone.now()
    batch = Batch.objects.create(
        organisation=records.organisation, state=Batch.DONE, user_id=records.actor.user_id,
        actor_label=records.actor.label, upload_id=records.claim.upload, file_name=report.file[-255:],
        format=report.format[:30], committed_at=now, finished_at=now, rows=report.rows, accepted=report.accepted,
        rejected=report.rejected,
    )  # fmt: skip
    batch.report = {**report.as_dict(), "batch": batch.pk}
    batch.save(update_fields=["report"])
    tell_audit(batch, "done", by=records.actor.by, after={"rows": report.rows, "accepted": report.accepted,
               "rejected": report.rejected})  # fmt: skip
    return batch


def _apply_sites(records: Records) -> None:
    report, organisation = records.report, records.organisation
    known = {site.name.casefold(): site for site in Site.objects.filter(organisation=organisation)}
    for line, fields in records.each():
        site = known.get(" ".join(fields["name"].split()).casefold())
        before = _state(site) if site else None
        with _line(records, line):
            if site is None:
                site = create_site(records.actor, organisation=organisation, **fields)
                known[site.name.casefold()] = site
                report.created_sites += 1
            else:
                report.updated_sites += _state(update_site(records.actor, site=site, **fields)) != before


def _apply_meters(records: Records) -> None:
    report = records.report
    mine = Meter.objects.filter(organisation=records.organisation).select_related("site", "organisation")
    known = {meter.identifier: meter for meter in mine}
    parents: list[tuple[int, Meter, str]] = []
    plain, virtual = _apart(records.each())
    for line, fields in (*plain, *_parts_first(virtual)):  # a part of a formula may stand further down
        parent = fields.pop("parent", None)
        meter = known.get(fields["identifier"])
        before = _state(meter) if meter else None
        with _line(records, line):
            if meter is None:
                meter = _make_meter(records, fields)
                known[meter.identifier] = meter
                report.created_meters += 1
            else:
                report.updated_meters += _state(update_meter(records.actor, meter=meter, **fields)) != before
            if parent is not None:
                parents.append((line, meter, parent))
    for line, meter, parent in parents:  # last, for a parent may stand further down
        with _line(records, line):
            update_meter(records.actor, meter=meter, parent=parent)


def _apart(lines: Iterable[Line]) -> tuple[list[Line], list[Line]]:
    """Return the lines of meters of their own, and those of virtual ones."""
    every = list(lines)
    return [line for line in every if not line[1].get("formula")], [line for line in every if line[1].get("formula")]


def _parts_first(lines: list[Line]) -> list[Line]:
    """Return lines of virtual meters so that each comes after those that its formula names; of a ring, all as they
    stand."""
    ordered: list[Line] = []
    left = {fields["identifier"]: (line, fields) for line, fields in lines}
    if len(left) < len(lines):  # one stands there twice
        return lines
    while left:
        ready = [name for name, (_, fields) in left.items() if not _named(fields["formula"]) & (left.keys() - {name})]
        ordered += [left.pop(name) for name in ready or list(left)]
    return ordered


def _named(formula: str) -> set[str]:
    """Return all that may be a meter in a formula; what is wrong with it is said when it is declared."""
    try:
        return {term.meter for term in parse(formula)}
    except Invalid:
        return set(hyphenated(formula))


def _make_meter(records: Records, fields: Fields) -> Meter:
    said = dict(fields)
    name = said.pop("site", records.site_name)
    if not name:
        raise Invalid(f"Meter {said['identifier']} has no site.", "Add a site column, or --site NAME.", field="site")
    site = Site.objects.filter(organisation=records.organisation, name__iexact=" ".join(name.split())).first()
    if site is None:
        raise Invalid(f"There is no site {name!r}.", "Import the sites first, or check its spelling.", field="site")
    return create_meter(records.actor, site=site, **said)


@contextmanager
def _line(records: Records, line: int) -> Iterator[None]:
    """Make one line's changes, or report the line and leave everything as it was."""
    try:
        with transaction.atomic():
            yield
    except EclectycError as error:
        heading = str(records.seen.columns.get(error.field, error.field))
        records.log.extend([LineError(line, heading, error.reason, error.remedy)])


def _state(thing: Site | Meter) -> dict[str, Any]:
    return {field.attname: getattr(thing, field.attname) for field in thing._meta.concrete_fields}
