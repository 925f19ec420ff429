"""Line numbers kept as spans, beside plain sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from eclectyc.intake.report import ErrorLog, ImportReport
from eclectyc.intake.uploads.rejected import RejectedLines
from eclectyc.readers.blocks import LineError
from eclectyc.readers.line_ranges import ranges_from_lines, read_ranges, write_ranges

LINES = st.lists(st.integers(1, 60), max_size=40)


@given(LINES, st.integers(1, 4), st.integers(0, 70), st.integers(0, 70))
def test_spans_hold_the_lines_they_were_made_of(lines: list[int], each: int, start: int, end: int) -> None:
    meant = {line + n for line in lines for n in range(each)}
    found = RejectedLines(ranges_from_lines(np.array(lines, np.int64), each))
    assert len(found) == len(meant)
    assert found.within(start, end) == sorted(line for line in meant if start <= line < end)
    assert all((line in found) == (line in meant) for line in range(70))


def test_a_file_of_spans_that_is_cut_short_gives_what_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "some.lines"
    write_ranges(path, ranges_from_lines(np.array([9, 2, 3, 4])))
    assert read_ranges(path).tolist() == [[2, 5], [9, 10]]
    path.write_bytes(path.read_bytes()[:-3])
    assert read_ranges(path).tolist() == [[2, 5]]


def test_an_error_that_stands_for_lines_has_them_all_kept(tmp_path: Path) -> None:
    with ErrorLog(tmp_path) as log:
        log.extend([LineError(3, "meter", "There is no meter 7 (3 rows).", "Make it.")], counts_lines=False)
        log.cover_lines(np.array([3, 5, 4, 9]), 2)
        log.extend([LineError(20, "value", "x", "y")])
        report = ImportReport(rows=30)
        report.add_errors(log)
    assert report.rejected == 7
    assert RejectedLines.from_report(report.as_dict()).within(0, 100) == [3, 4, 5, 6, 9, 10, 20]


def test_an_import_that_comes_to_nothing_leaves_no_file_behind(tmp_path: Path) -> None:
    try:
        with ErrorLog(tmp_path) as log:
            log.cover_lines(np.array([3]))
            raise RuntimeError
    except RuntimeError:
        pass
    assert list(tmp_path.iterdir()) == []
