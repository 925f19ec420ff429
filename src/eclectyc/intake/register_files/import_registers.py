"""Files of register reads: read, matched with the registry, and committed."""

from __future__ import annotations

from collections.abc import Iterable

from eclectyc.intake.register_files.collect_reads import Telling, Told
from eclectyc.intake.register_files.import_reads import ReadsImport, bring_in
from eclectyc.intake.register_files.match_registers import RegisterCase
from eclectyc.intake.report_building import reject_unknown_meters
from eclectyc.readers.blocks import Block, LineError, RegisterBlock


def import_registers(import_: ReadsImport, blocks: Iterable[tuple[Block, list[LineError]]], *, timezone: str) -> None:
    """Read a file of register reads, and commit it or find out what that would do. timezone : told, or empty."""
    report = import_.report
    telling = Telling(import_.resolver, import_.log, report.file)
    for block, errors in blocks:
        if isinstance(block, RegisterBlock):
            telling.take(block, errors)
    printed = timezone or import_.seen.timezone or ""
    told = telling.finish(printed)
    report.rows = telling.rows
    report.timezone = printed or ", ".join(dict.fromkeys(named.channel.point.zone for named in told.registers))
    report.warnings += [*import_.seen.warnings, *telling.warnings, *import_.resolver.warnings, *_assumed(told)]
    reject_unknown_meters(import_.resolver, import_.log, report)
    bring_in(import_, len(told), lambda: RegisterCase.of(told, import_.unit))


def _assumed(told: Told) -> list[str]:
    """Name new meters whose unit nobody told."""
    new = dict.fromkeys(named.channel.point.identifier for named in told.registers if named.channel.is_unit_assumed)
    if not new:
        return []
    several = list(new)
    shown = ", ".join(several[:5]) + (f" and {len(several) - 5} more" if len(several) > 5 else "")
    return [f"The file names no unit: kWh is assumed for the new meters {shown}."]
