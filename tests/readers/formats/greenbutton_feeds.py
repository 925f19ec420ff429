"""Green Button feeds for tests, as utilities write them: one entry a thing, tied together by links."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

BASE = "https://utility.example/espi/1_1/resource"
Reading = tuple[int, str] | tuple[int, str, str]  # start [s], value as printed, quality


@dataclass
class Meter:
    """One MeterReading of a usage point with its ReadingType and one block of readings."""

    readings: Sequence[Reading]
    point: str = "1"
    number: str = "1"
    length_s: int = 1800
    kind: dict[str, object] = field(default_factory=dict)

    @property
    def type(self) -> dict[str, object]:
        usual = {"accumulationBehaviour": 4, "commodity": 1, "dataQualifier": 12, "flowDirection": 1,
                 "intervalLength": self.length_s, "kind": 12, "powerOfTenMultiplier": 0, "uom": 72}  # fmt: skip
        return {name: value for name, value in (usual | self.kind).items() if value is not None}


def feed(*meters: Meter, extra: str = "", prefix: str = "espi") -> str:
    """Return a feed. ``prefix`` is that of the ESPI elements; empty for a default namespace."""
    entries = [_usage_point(point, prefix) for point in dict.fromkeys(meter.point for meter in meters)]
    for meter in meters:
        entries += _entries(meter, prefix)
    body = "\n".join(entries)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'
        f"<title>Green Button Usage Feed</title>\n{body}\n{extra}\n</feed>\n"
    )


def entry(own: str, up: str, related: Iterable[str], content: str) -> str:
    links = [f'<link rel="self" href="{BASE}/{own}"/>', f'<link rel="up" href="{BASE}/{up}"/>']
    links += [f'<link rel="related" href="{BASE}/{link}"/>' for link in related]
    return f"<entry>{''.join(links)}<content>{content}</content></entry>"


def element(prefix: str, name: str, content: str) -> str:
    """Return one of ESPI's things, which declares the namespace."""
    tag, declared = (f"{prefix}:{name}", f"xmlns:{prefix}") if prefix else (name, "xmlns")
    return f'<{tag} {declared}="http://naesb.org/espi">{content}</{tag}>'


def plain(prefix: str, name: str, content: object) -> str:
    tag = f"{prefix}:{name}" if prefix else name
    return f"<{tag}>{content}</{tag}>"


def _usage_point(point: str, prefix: str) -> str:
    kind = plain(prefix, "ServiceCategory", plain(prefix, "kind", 0))
    return entry(
        f"UsagePoint/{point}", "UsagePoint", [f"UsagePoint/{point}/MeterReading"], element(prefix, "UsagePoint", kind)
    )


def _entries(meter: Meter, prefix: str) -> list[str]:
    path = f"UsagePoint/{meter.point}/MeterReading"
    own, type_ = f"{path}/{meter.number}", f"ReadingType/{meter.point}-{meter.number}"
    fields = "".join(plain(prefix, name, value) for name, value in meter.type.items())
    return [
        entry(own, path, [f"{own}/IntervalBlock", type_], element(prefix, "MeterReading", "")),
        entry(
            f"{own}/IntervalBlock/1",
            f"{own}/IntervalBlock",
            [],
            element(prefix, "IntervalBlock", _block(meter, prefix)),
        ),
        entry(type_, "ReadingType", [], element(prefix, "ReadingType", fields)),
    ]


def _block(meter: Meter, prefix: str) -> str:
    return "\n".join(_reading(reading, meter.length_s, prefix) for reading in meter.readings)


def _reading(reading: Reading, length_s: int, prefix: str) -> str:
    start, value, *quality = reading
    quality_xml = "".join(plain(prefix, "ReadingQuality", plain(prefix, "quality", one)) for one in quality)
    period = plain(prefix, "duration", length_s) + plain(prefix, "start", start)
    return plain(
        prefix, "IntervalReading",
        plain(prefix, "cost", 907) + quality_xml + plain(prefix, "timePeriod", period) + plain(prefix, "value", value),
    )  # fmt: skip
