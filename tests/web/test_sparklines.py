from __future__ import annotations

import pytest

from eclectyc.web.sparklines import HEIGHT, WIDTH, spark


def test_a_spark_breaks_where_a_day_is_missing() -> None:
    drawn = spark([1.0, 2.0, None, 3.0, 4.0])
    assert drawn is not None
    assert drawn.line.count("M") == 2
    assert drawn.under.count("Z") == 2


def test_a_spark_starts_at_nought_and_ends_at_the_right() -> None:
    drawn = spark([0.0, 10.0])
    assert drawn is not None
    assert drawn.line == f"M0.0 {HEIGHT - 1:.1f}L{WIDTH:.1f} 1.0"


def test_a_day_between_two_missing_ones_is_still_seen() -> None:
    drawn = spark([1.0, None, 5.0, None, 1.0])
    assert drawn is not None
    assert drawn.line.count("h.5") == 3


@pytest.mark.parametrize("values", [[], [1.0], [None, None], [None, 3.0]])
def test_there_is_no_spark_of_fewer_than_two_days(values: list[float | None]) -> None:
    assert spark(values) is None


def test_a_flat_nought_is_a_line_at_the_bottom() -> None:
    drawn = spark([0.0, 0.0, 0.0])
    assert drawn is not None
    assert set(drawn.line.replace("M", "L").split("L")[1:]) == {"0.0 23.0", "60.0 23.0", "120.0 23.0"}
