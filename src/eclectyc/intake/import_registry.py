"""Import files of sites and meters: each line creates one or updates it; a name never gets a second one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.utils import timezone

from eclectyc.batches.lifecycle import audit_step
from eclectyc.batches.models import Batch
from eclectyc.estate.formula.parse import parse
from eclectyc.estate.formula.tokens import hyphenated
from eclectyc.estate.meters import create_meter, update_meter
from eclectyc.estate.models import Meter, Site
from eclectyc.estate.sites import create_site, update_site
from eclectyc.intake.import_run import ImportRun
from eclectyc.intake.report import grouped_warnings
from eclectyc.kernel.errors import EclectycError, Invalid
from eclectyc.readers.blocks import LineError, RecordBlock
from eclectyc.readers.reader import ReadOptions

Fields = dict[str, Any]
Line = tuple[int, Fields]


def _records(run: ImportRun) -> Iterator[Line]:
    """Yield each record's line and fields; a blank cell changes nothing and is left out."""
    opened = run.file.wait_for_file()
    for block, errors in opened.reader.read(opened.source, opened.recognition, ReadOptions(opened.reader.name)):
        run.log.extend(errors)
        run.report.rows += block.rows + len({error.line for error in errors})
        if isinstance(block, RecordBlock):
            for row in block.frame.iter_rows(named=True):
                line = row.pop("line")
                yield line, _fields({name: text for name, text in row.items() if text is not None})


def _fields(cells: Mapping[str, str]) -> Fields:
    """Return a record's fields, with the columns that refer to other systems as one field."""
    fields: Fields = {name: text for name, text in cells.items() if not name.endswith("_id")}
    references = {name: text for name, text in cells.items() if name.endswith("_id")}
    return fields | ({"outside_references": references} if references else {})


def import_records(run: ImportRun) -> None:
    """Create or update the organisation's sites or meters from a file: all valid lines, in one transaction."""
    run.actor.require("estate.edit", run.organisation.pk)
    with run.claim.transaction(), transaction.atomic():  # an own one: a test must not roll back the claim's
        _apply_records(run)
        if run.report.dry_run:
            transaction.set_rollback(True)
        else:
            run.report.batch = _batch(run).pk


def _apply_records(run: ImportRun) -> None:
    report = run.report
    apply = _apply_sites if run.file.wait_for_file().reader.kind == "sites" else _apply_meters
    apply(run)
    report.warnings = grouped_warnings([*report.warnings, *run.recognition.warnings])
    report.add_errors(run.log)


def _batch(run: ImportRun) -> Batch:
    """Store the import's batch. It has no readings, so the lake has no part in it."""
    report, now = run.report, timezone.now()
    batch = Batch.objects.create(
        organisation=run.organisation,
        state=Batch.DONE,
        user_id=run.actor.user_id,
        actor_label=run.actor.label,
        upload_id=run.claim.upload,
        file_name=report.file[-255:],
        format=report.format[:30],
        committed_at=now,
        finished_at=now,
        rows=report.rows,
        accepted=report.accepted,
        rejected=report.rejected,
    )
    batch.report = {**report.as_dict(), "batch": batch.pk}
    batch.save(update_fields=["report"])
    counts = {"rows": report.rows, "accepted": report.accepted, "rejected": report.rejected}
    audit_step(batch, "done", by=run.actor.by, after=counts)
    return batch


def _apply_sites(run: ImportRun) -> None:
    report, organisation = run.report, run.organisation
    known = {site.name.casefold(): site for site in Site.objects.filter(organisation=organisation)}
    for line, fields in _records(run):
        site = known.get(" ".join(fields["name"].split()).casefold())
        before = _state(site) if site else None
        with _line(run, line):
            if site is None:
                site = create_site(run.actor, organisation=organisation, **fields)
                known[site.name.casefold()] = site
                report.created_sites += 1
            else:
                report.updated_sites += _state(update_site(run.actor, site=site, **fields)) != before


def _apply_meters(run: ImportRun) -> None:
    report = run.report
    mine = Meter.objects.filter(organisation=run.organisation).select_related("site", "organisation")
    known = {meter.identifier: meter for meter in mine}
    parents: list[tuple[int, Meter, str]] = []
    real, virtual = _split_virtual(_records(run))
    for line, fields in (*real, *_parts_first(virtual)):  # a part of a formula may come further down
        parent = fields.pop("parent", None)
        meter = known.get(fields["identifier"])
        before = _state(meter) if meter else None
        with _line(run, line):
            if meter is None:
                meter = _create_meter(run, fields)
                known[meter.identifier] = meter
                report.created_meters += 1
            else:
                report.updated_meters += _state(update_meter(run.actor, meter=meter, **fields)) != before
            if parent is not None:
                parents.append((line, meter, parent))
    for line, meter, parent in parents:  # last, for a parent may come further down
        with _line(run, line):
            update_meter(run.actor, meter=meter, parent=parent)


def _split_virtual(lines: Iterable[Line]) -> tuple[list[Line], list[Line]]:
    """Return the lines of real meters, and those of virtual ones."""
    every = list(lines)
    return [line for line in every if not line[1].get("formula")], [line for line in every if line[1].get("formula")]


def _parts_first(lines: list[Line]) -> list[Line]:
    """Sort lines of virtual meters so that each comes after the meters in its formula; a circle keeps its order."""
    ordered: list[Line] = []
    left = {fields["identifier"]: (line, fields) for line, fields in lines}
    if len(left) < len(lines):  # a meter is in the file twice
        return lines
    while left:
        ready = [
            name for name, (_, fields) in left.items() if not _meters_in(fields["formula"]) & (left.keys() - {name})
        ]
        ordered += [left.pop(name) for name in ready or list(left)]
    return ordered


def _meters_in(formula: str) -> set[str]:
    """Return the meters that a formula may name. Its errors are reported when it is saved."""
    try:
        return {term.meter for term in parse(formula)}
    except Invalid:
        return set(hyphenated(formula))


def _create_meter(run: ImportRun, fields: Fields) -> Meter:
    own = dict(fields)
    name = own.pop("site", run.options.site)
    if not name:
        raise Invalid(f"Meter {own['identifier']} has no site.", "Add a site column, or --site NAME.", field="site")
    site = Site.objects.filter(organisation=run.organisation, name__iexact=" ".join(name.split())).first()
    if site is None:
        raise Invalid(f"There is no site {name!r}.", "Import the sites first, or check its spelling.", field="site")
    return create_meter(run.actor, site=site, **own)


@contextmanager
def _line(run: ImportRun, line: int) -> Iterator[None]:
    """Apply one line's changes, or reject the line and change nothing."""
    try:
        with transaction.atomic():
            yield
    except EclectycError as error:
        heading = str(run.recognition.columns.get(error.field, error.field))
        run.log.extend([LineError(line, heading, error.reason, error.remedy)])


def _state(thing: Site | Meter) -> dict[str, Any]:
    return {field.attname: getattr(thing, field.attname) for field in thing._meta.concrete_fields}
