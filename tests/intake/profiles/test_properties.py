"""Whatever a mapping says survives being written down; whatever a file prints is read as its plain twin is."""

from __future__ import annotations

import json
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from eclectyc.intake.profiles.mapping import mapping_of
from eclectyc.intake.profiles.profile_reader import ProfileReader
from eclectyc.intake.profiles.toml_text import mapping_of_toml, toml_of
from eclectyc.kernel.errors import Invalid
from eclectyc.readers.blocks import Block, LineError
from eclectyc.readers.open_file import open_file
from eclectyc.readers.reader import ReadOptions

quickly = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
briefly = settings(quickly, max_examples=20)
words = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), min_size=1, max_size=12)
headings = words.map(str.strip).filter(bool)
places = headings | st.integers(1, 300)
quantities = st.sampled_from(["import", "export", "reactive_import", "volume"])
values = places | st.fixed_dictionaries(
    {"column": places}, optional={"quantity": quantities, "unit": st.sampled_from(["kWh", "Wh", "m3"])}
)


@st.composite
def mappings(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the plain values of a mapping of any layout, most of them sound."""
    layout = draw(st.sampled_from(["long", "wide", "daily", "matrix", "registers"]))
    optional = dict.fromkeys(("meter", "serial", "unit", "flag", "quantity"), places)
    columns: dict[str, Any] = draw(st.fixed_dictionaries({}, optional=optional))
    columns["stamp" if layout in ("long", "matrix", "registers") else "date"] = draw(places)
    if layout == "wide":
        columns["slots"] = {"first": draw(places), "count": draw(st.sampled_from([24, 48, 50])),
                            "every": draw(st.integers(1, 3))}  # fmt: skip
    else:
        columns["value"] = draw(values | st.lists(values, min_size=1, max_size=3))
    meaning = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "stamps": st.sampled_from(["start", "end"]), "closes_midnight": st.booleans(),
                "timezone": st.sampled_from(["UTC", "Europe/London", "UTC+10:00"]), "unit": st.just("MWh"),
                "step": st.sampled_from([5, 15, 30, 60]), "dates": st.sampled_from(["MM/DD/YYYY", "DD.MM.YY HH:mm"]),
                "decimal": st.just("comma"), "missing": st.lists(words, max_size=3),
            },
        )
    )  # fmt: skip
    return {
        "layout": layout, "columns": columns, "meaning": meaning,
        "file": draw(st.fixed_dictionaries({}, optional={"delimiter": st.sampled_from([";", "tab"]), "sheet": words,
                                                         "skip_rows": st.integers(0, 9)})),
        "flags": draw(st.dictionaries(words, st.sampled_from(["actual", "estimated", "missing"]), max_size=3)),
        "quantities": draw(st.dictionaries(words, quantities, max_size=3)),
        "last_wins": draw(st.booleans()),
    }  # fmt: skip


@quickly
@given(mappings())
def test_a_mapping_survives_json_and_toml_and_json(data: dict[str, Any]) -> None:
    try:
        mapping = mapping_of(data)
    except Invalid:
        assume(False)
    kept = json.loads(json.dumps(mapping.as_data()))
    assert mapping_of(kept) == mapping
    written = toml_of(mapping_of(kept))
    assert mapping_of_toml(written) == mapping
    assert json.loads(json.dumps(mapping_of_toml(written).as_data())) == kept


MPAN = "1200023305967"
FIRST = datetime(2025, 2, 13)
cells = st.lists(
    st.tuples(st.none() | st.integers(0, 10**6).map(lambda n: n / 1000), st.sampled_from(["actual", "estimated"])),
    min_size=1, max_size=40,
)  # fmt: skip


def read(path: Path, reader: ProfileReader | None) -> tuple[list[Block], list[LineError]]:
    blocks, errors = [], []
    with open_file(path, ReadOptions(reader=reader)) as file:
        for block, rejected in file.reader.read(file.source, file.recognition, ReadOptions()):
            blocks.append(block)
            errors += rejected
    return blocks, errors


def frames(blocks: list[Block], *names: str) -> pl.DataFrame:
    return pl.concat([block.frame.select(names) for block in blocks])


def comma(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}".replace(".", ",")


@briefly
@given(cells, st.sampled_from([";", "\t", "|"]))
def test_a_line_a_reading_is_read_as_its_plain_twin(rows: list[tuple[float | None, str]], delimiter: str) -> None:
    times = [FIRST + timedelta(minutes=30 * n) for n in range(len(rows))]
    plain = ["MPAN,Start,kWh,Flag"]
    plain += [f"{MPAN},{at:%Y-%m-%d %H:%M},{'' if v is None else f'{v:.3f}'},{f[0].upper()}"
              for at, (v, f) in zip(times, rows, strict=True)]  # fmt: skip
    odd = ["Lieferung", delimiter.join(["Zähler", "Wann", "Menge", "Güte"])]
    odd += [delimiter.join([MPAN, f"{at:%m/%d/%Y %H.%M}", comma(v), {"actual": "W", "estimated": "G"}[f]])
            for at, (v, f) in zip(times, rows, strict=True)]  # fmt: skip
    mapping = mapping_of(
        {
            "layout": "long",
            "file": {"delimiter": {"\t": "tab"}.get(delimiter, delimiter)},
            "columns": {"meter": "Zähler", "stamp": "Wann", "value": "Menge", "flag": "Güte"},
            "meaning": {"dates": "MM/DD/YYYY HH.mm", "decimal": "comma", "missing": ["n/a"], "stamps": "start"},
            "flags": {"W": "actual", "G": "estimated"},
        }
    )
    names = ("meter", "stamp", "value", "quality")
    with tempfile.TemporaryDirectory() as folder:
        usual, own = Path(folder, "plain.csv"), Path(folder, "odd.txt")
        usual.write_text("\n".join(plain) + "\n")
        own.write_text("\n".join(odd) + "\n")
        (wanted, refused), (got, errors) = read(usual, None), read(own, ProfileReader(mapping, "sender"))
        assert errors == refused == []
        assert frames(got, *names).equals(frames(wanted, *names))


@briefly
@given(st.lists(st.lists(st.none() | st.integers(0, 9999), min_size=48, max_size=48), min_size=1, max_size=4))
def test_a_line_a_day_by_position_is_read_as_its_plain_twin(days: list[list[int | None]]) -> None:
    heads = ",".join(f"HH{n:02}" for n in range(1, 49))
    plain, odd = [f"MPAN,Date,{heads}"], []
    for n, day in enumerate(days):
        at = FIRST + timedelta(n)
        plain.append(f"{MPAN},{at:%Y-%m-%d},{','.join('' if v is None else str(v) for v in day)}")
        odd.append(f"x;{at:%Y%m%d};{MPAN};{';'.join('-9' if v is None else str(v) for v in day)}")
    slots = {"first": 4, "count": 48}
    mapping = mapping_of(
        {
            "layout": "wide",
            "file": {"header": False, "delimiter": ";"},
            "columns": {"meter": 3, "date": 2, "slots": slots},
            "meaning": {"missing": ["-9"]},
        }
    )
    assume(any(v is not None for day in days for v in day))
    with tempfile.TemporaryDirectory() as folder:
        usual, own = Path(folder, "plain.csv"), Path(folder, "odd.txt")
        usual.write_text("\n".join(plain) + "\n")
        own.write_text("\n".join(odd) + "\n")
        (wanted, refused), (got, errors) = read(usual, None), read(own, ProfileReader(mapping, "sender"))
        assert errors == refused == []
        assert frames(got, "meter", "day").equals(frames(wanted, "meter", "day"))
        for name in ("values", "quality"):
            assert np.array_equal(
                np.concatenate([getattr(block, name) for block in got]),
                np.concatenate([getattr(block, name) for block in wanted]),
                equal_nan=name == "values",
            )
