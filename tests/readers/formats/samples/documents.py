"""Documents: answers of APIs in JSON, and Green Button. Each holds the London meter's six days."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from tests.readers.formats import london
from tests.readers.formats.golden import Golden
from tests.readers.formats.greenbutton_feeds import Meter, feed

_TOLD = {"meter": london.METER}


def octopus() -> str:
    """The newest first, with the local clock's offsets, in the shape of the API's public example."""
    results = [
        {
            "consumption": float(slot.kwh),
            "interval_start": slot.start.astimezone(london.ZONE).isoformat(),
            "interval_end": slot.end.astimezone(london.ZONE).isoformat(),
        }
        for slot in reversed(london.slots())
    ]
    return json.dumps({"count": len(results), "next": None, "previous": None, "results": results})


def n3rgy() -> str:
    """Stamped at the end of each half-hour, in UTC."""
    values = [{"value": float(slot.kwh), "timestamp": f"{slot.end:%Y-%m-%d %H:%M}"} for slot in london.slots()]
    return json.dumps(
        {
            "resource": f"/{london.METER}/electricity/consumption/1",
            "responseTimestamp": "2013-04-03T08:00:00.000Z",
            "start": "201210262300",
            "end": "201304012300",
            "granularity": "halfhour",
            "values": values,
            "availableCacheRange": {"start": "201201010000", "end": "201304020000"},
            "unit": "kWh",
        },
        indent=1,
    )


def glowmarkt() -> str:
    """Pairs of epoch second and value; a half-hour without a value is null."""
    pairs: list[list[float | None]] = [[int(slot.start.timestamp()), float(slot.kwh)] for slot in london.slots()]
    pairs.append([int((london.slots()[-1].end + timedelta(days=1)).timestamp()), None])
    return json.dumps(
        {
            "status": "OK",
            "name": "electricity consumption",
            "resourceTypeId": "78859e39-611e-4e84-a402-1d4460abcb56",
            "resourceId": "00000000-0000-4000-8000-000000000000",
            "query": {"from": "2012-10-26T23:00:00", "to": "2013-04-01T22:59:59", "period": "PT30M", "function": "sum"},
            "data": pairs,
            "units": "kWh",
            "classifier": "electricity.consumption",
        }
    )


def green_button() -> str:
    """Watt-hours in tenths of a milliwatt-hour, estimates marked 8, costs beside them."""
    readings = [
        (int(slot.start.timestamp()), f"{float(slot.kwh) * 1e7:.0f}", "8" if slot.is_estimate else "17")
        for slot in london.slots()
    ]
    return feed(Meter(readings, kind={"powerOfTenMultiplier": -4}))


def _golden(name: str, format_: str, text: str, rows: int = 288) -> Golden:
    return Golden(name, format_, text.encode(), rows, london.HELD, _TOLD)


FILES = [
    _golden("london-octopus.json", "octopus", octopus()),
    _golden("london-n3rgy.json", "n3rgy", n3rgy()),
    _golden("london-glowmarkt.json", "glowmarkt", glowmarkt(), 289),
    _golden("london-greenbutton.xml", "greenbutton", green_button()),
]


def write(folder: Path, text: str | bytes, name: str) -> Path:
    """Write a document."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path
