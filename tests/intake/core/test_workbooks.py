"""Workbooks come in like the table on their first sheet."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from eclectyc.accounts.actor import Actor
from eclectyc.estate.models import Meter, Site
from eclectyc.intake.blocks import UnreadableFile
from eclectyc.intake.service import import_file
from tests.factories import World

pytestmark = pytest.mark.django_db


def workbook(path: Path, *sheets: list[list[object]]) -> Path:
    with xlsxwriter.Workbook(path) as book:
        for rows in sheets:
            sheet = book.add_worksheet()
            for line, row in enumerate(rows):
                sheet.write_row(line, 0, row)
    return path


def test_the_first_sheet_with_anything_in_it_is_read(world: World, tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "meters.xlsx",
        [],
        [["Our meters"], [], ["MPAN", "Site", "Utility"], [1000000000040, "Harbour House", "gas"]],
    )
    report = import_file(Actor.of(world.admin), organisation=world.org, path=path)
    assert (report.format, report.created_meters, report.file) == ("meters", 1, "meters.xlsx")
    assert Meter.objects.get(identifier="1000000000040", organisation=world.org).utility == "gas"


def test_a_rejected_line_has_the_sheets_own_number(world: World, tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "sites.xlsx", [["Site name", "Postcode", "Area"], ["Mill", "LS1", 5], ["Quay", "LS2", "big"]]
    )
    report = import_file(Actor.of(world.admin), organisation=world.org, path=path)
    assert [(error.line, error.column) for error in report.errors] == [(3, "Area")]
    assert Site.objects.filter(name="Mill").exists()


@pytest.mark.parametrize("content", [b"PK\x03\x04rest", b"PK\x03\x04" + bytes(1000)])
def test_what_only_looks_like_a_workbook_is_refused(content: bytes, world: World, tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile):
        import_file(Actor.of(world.admin), organisation=world.org, path=path)


def test_a_broken_workbook_and_one_that_bursts_are_refused(world: World, tmp_path: Path) -> None:
    for name, size, words in (("broken", 10, "not sound XML"), ("bomb", 301 << 20, "more than 200 times its size")):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/workbook.xml", b"\0" * size)
        path = tmp_path / f"{name}.xlsx"
        path.write_bytes(packed.getvalue())
        with pytest.raises(UnreadableFile, match=words):
            import_file(Actor.of(world.admin), organisation=world.org, path=path)


def test_an_empty_workbook_says_so(world: World, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no sheet with anything in it"):
        import_file(Actor.of(world.admin), organisation=world.org, path=workbook(tmp_path / "e.xlsx", []))
