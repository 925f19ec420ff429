"""The series of the meters that a file of register reads or tank entries names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eclectyc.batches.lifecycle import CreatedRecords
from eclectyc.estate.models import Meter
from eclectyc.intake.alignment.interpretation import Target
from eclectyc.intake.provisioning import Provisioning
from eclectyc.intake.resolve import Point
from eclectyc.registers.commit_consumption import SeriesRequest
from eclectyc.registers.repository import pieces


@dataclass(frozen=True, slots=True)
class PlannedSeries:
    """The series that an import will have."""

    targets: list[Target]


@dataclass(slots=True)
class FileSeries:
    """Series of the points that a file names; meters that are missing are created with them.

    steps : of the slots of each point [minutes], given to a meter that is created.
    """

    points: list[Point]
    provisioning: Provisioning
    steps: list[int]

    def existing(self, target: tuple[int, str, str]) -> dict[int, int]:
        point, *key = target
        own = self.points[point].series
        return {s.step: s.id for s in own if [s.quantity, s.unit] == key and not s.source and not s.register}

    def create(self, requests: Sequence[SeriesRequest]) -> tuple[list[int], CreatedRecords]:
        numbers, created = self.provisioning.create(self.planned(requests))
        steps: dict[int, list[str]] = {}
        for point, step in zip(self.points, self.steps, strict=True):
            if point.meter is None:
                steps.setdefault(step, []).append(point.identifier)
        for step, names in steps.items() if created.meters else ():
            for piece in pieces(names):
                fresh = Meter.objects.filter(organisation=self.provisioning.organisation, identifier__in=piece)
                fresh.exclude(step_minutes=step).update(step_minutes=step)
        return numbers.tolist(), created

    def planned(self, requests: Sequence[SeriesRequest]) -> PlannedSeries:
        return PlannedSeries(
            [Target(self.points[point], quantity, unit, step, 0) for point, quantity, unit, step in requests]
        )
