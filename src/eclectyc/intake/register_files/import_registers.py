"""Import files of register reads: collect, match with the registry, commit."""

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
    collector = ReadCollector(run.resolver, run.log, report.file)
    for block, errors in run.blocks():
        if isinstance(block, RegisterBlock):
            collector.add(block, errors)
    printed = run.options.timezone or run.recognition.timezone or ""
    reads = collector.finish(printed)
    report.rows = collector.rows
    report.timezone = printed or ", ".join(dict.fromkeys(named.channel.point.zone for named in reads.registers))
    report.warnings += [*run.recognition.warnings, *collector.warnings, *run.resolver.warnings, *_assumed(reads)]
    reject_unknown_meters(run.resolver, run.log, report)
    commit_case(run, len(reads), lambda: RegisterCase.match(reads, run.options.unit))


def _assumed(reads: FileReads) -> list[str]:
    """Return a warning that names new meters for which the file gives no unit."""
    new = dict.fromkeys(named.channel.point.identifier for named in reads.registers if named.channel.is_unit_assumed)
    if not new:
        return []
    names = list(new)
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return [f"The file gives no unit: kWh is assumed for the new meters {shown}."]
