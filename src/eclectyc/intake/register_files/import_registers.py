"""Files of register reads: read, matched with the registry, and committed."""

from __future__ import annotations

from eclectyc.intake.import_run import ImportRun
from eclectyc.intake.register_files.collect_reads import FileReads, ReadCollector
from eclectyc.intake.register_files.commit_case import commit_case
from eclectyc.intake.register_files.match_registers import RegisterCase
from eclectyc.intake.report_building import reject_unknown_meters
from eclectyc.readers.blocks import RegisterBlock


def import_registers(run: ImportRun) -> None:
    """Import a file of register reads: store them, and commit the use that follows."""
    report = run.report
    telling = ReadCollector(run.resolver, run.log, report.file)
    for block, errors in run.blocks():
        if isinstance(block, RegisterBlock):
            telling.add(block, errors)
    printed = run.options.timezone or run.recognition.timezone or ""
    told = telling.finish(printed)
    report.rows = telling.rows
    report.timezone = printed or ", ".join(dict.fromkeys(named.channel.point.zone for named in told.registers))
    report.warnings += [*run.recognition.warnings, *telling.warnings, *run.resolver.warnings, *_assumed(told)]
    reject_unknown_meters(run.resolver, run.log, report)
    commit_case(run, len(told), lambda: RegisterCase.match(told, run.options.unit))


def _assumed(told: FileReads) -> list[str]:
    """Name new meters whose unit nobody told."""
    new = dict.fromkeys(named.channel.point.identifier for named in told.registers if named.channel.is_unit_assumed)
    if not new:
        return []
    several = list(new)
    shown = ", ".join(several[:5]) + (f" and {len(several) - 5} more" if len(several) > 5 else "")
    return [f"The file names no unit: kWh is assumed for the new meters {shown}."]
