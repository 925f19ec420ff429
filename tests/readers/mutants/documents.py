"""How a document in JSON or XML is damaged."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.readers.mutants.texts import (
    BYTES,
    LINES,
    MOMENTS,
    NUMBERS,
    WORDS,
    count,
    other_digit,
    other_encoding,
    packed,
)

_RAW = ("NaN", "Infinity", "-Infinity", "1e400", "1" + "0" * 400, "-0", "1e308", "0.1e-400", "[" * 2000, "{}",
    "[]", "null",
        "true", '"x"', "01", "+1", ".5", "1.", "0x10", "'1'", "{\"a\": 1, \"a\": 2}", "[" * 500 + "]" * 500,
        "16777.215",
        "123456789012345678901234567890", '"\\ud800"', '"\\u0000"', "/**/1")  # fmt: skip


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) of a document."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        one = waiting.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        for key in keys:
            found.append((one, key))
            waiting.append(one[key])
    return found


def _other(draw: Callable, value: Any) -> Any:
    """Return something else for a value."""
    odd: list[Any] = [None, True, False, [], {}, [value], {"value": value}, str(value), "", " ", 0, -1, 1e12, 2e12,
    1e300,
                      10**30, f" {value}", *NUMBERS[:20], *MOMENTS, *WORDS[:12]]  # fmt: skip
    if isinstance(value, int | float) and not isinstance(value, bool):
        odd += [-value, value * 10, value + 1, value + 1800, value * 1000, value + 0.5, -value * 1e6]
    if isinstance(value, str):
        odd += [value.upper(), value[:-1], value.replace("-", "/"), value + "Z", value.replace("00", "30")]
    return odd[count(draw, len(odd))]


def _structure(draw: Callable, content: bytes) -> bytes:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return content
    places = _places(document)
    if not places:
        return content
    deep = [place for place in places if isinstance(place[0], list)]
    chosen = deep if deep and draw(st.booleans()) else places
    holder, key = chosen[count(draw, len(chosen))]
    what = count(draw, 6)
    if what == 0:
        del holder[key]
    elif what == 1 and isinstance(holder, list):
        holder.insert(count(draw, len(holder) + 1), holder[key])
    elif what == 2 and isinstance(holder, list):
        other = count(draw, len(holder))
        holder[key], holder[other] = holder[other], holder[key]
    elif what == 3 and isinstance(holder, list):
        holder.reverse()
    elif what == 4 and isinstance(holder, dict):
        name = ("value", "unit", "results", "data", "values", key.upper(), key + " ")[count(draw, 7)]
        holder[name] = holder.pop(key)
    else:
        holder[key] = _other(draw, holder[key])
    try:
        return json.dumps(document).encode()
    except RecursionError:
        return content


def _raw_value(draw: Callable, content: bytes) -> bytes:
    numbers = list(re.finditer(rb"(?<=[:\[, ])-?[0-9][0-9.]*", content))
    if not numbers:
        return content
    match = numbers[count(draw, len(numbers))]
    return content[: match.start()] + _RAW[count(draw, len(_RAW))].encode() + content[match.end() :]


def _digit(draw: Callable, content: bytes) -> bytes:
    found = list(re.finditer(rb"[0-9]", content))
    if not found:
        return content
    at = found[count(draw, len(found))].start()
    return content[:at] + b"%d" % count(draw, 10) + content[at + 1 :]


@st.composite
def answers(draw: Callable, content: bytes) -> bytes:
    """Return an answer in JSON with one to three damages."""
    kinds = ((_structure,) * 4, (_structure, _raw_value, _digit), BYTES, (other_encoding, packed))
    for _ in range(draw(st.integers(1, 3))):
        kind = kinds[count(draw, len(kinds))]
        content = kind[count(draw, len(kind))](draw, content)
    return content


_XML_ODD = (
    "&lt;", "&amp;amp;", "&#48;", "&#0;", "&x;", "<![CDATA[5]]>", "<!-- 5 -->", "<?x y?>", "5<!-- -->6", "\ufeff5", "",
    "<x>5</x>", "5 ", "1e3", "5.5", "٣", "-5", "999999999999999", "0x5",
)  # fmt: skip


def _element_text(draw: Callable, content: bytes) -> bytes:
    """Change what an element holds, often one of the last few kinds that there are."""
    found = list(re.finditer(rb"(?<=>)[^<>\n]+(?=</)", content))
    if not found:
        return content
    few = found[-12:] if draw(st.booleans()) else found
    match = few[count(draw, len(few))]
    text, odd = match[0].decode("utf-8", "replace"), (*NUMBERS, *MOMENTS[:12], *_XML_ODD)
    made = (odd[count(draw, len(odd))], text + "0", text[:-1], f" {text}\n", f"-{text}", text[::-1])[count(draw, 6)]
    raw = made.encode("utf-8", "replace")
    return content[: match.start()] + raw + content[match.end() :]


def _element(draw: Callable, content: bytes) -> bytes:
    """Drop, repeat or nest an element without elements inside."""
    found = list(re.finditer(rb"<([\w:]+)[^<>]*>[^<>]*</\1>|<[\w:]+[^<>]*/>", content))
    if not found:
        return content
    match = found[count(draw, len(found))]
    whole = match[0]
    made = (b"", whole * 2, b"<x>" + whole + b"</x>", b"<x>" * 100 + whole + b"</x>" * 100, whole.upper(),
            whole.replace(b"espi:", b""), whole.replace(b"espi:", b"x:"))[count(draw, 7)]  # fmt: skip
    return content[: match.start()] + made + content[match.end() :]


def _head(draw: Callable, content: bytes) -> bytes:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY %c "&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;">' % (98 + n, *([97 + n] * 8)) for n in range(9)
    ) + b"]>"  # fmt: skip
    heads = (
        bomb, b'<!DOCTYPE x SYSTEM "file:///etc/passwd">', b"<!DOCTYPE x>", b"<?xml version='1.1'?>",
        b"<!-- -->" * 1000,
        b'<?xml version="1.0" encoding="utf-16"?>', b'<?xml version="1.0" encoding="nonsense"?>', b"<a>" * 70,
        b'<?xml version="1.0" encoding="utf-7"?>', b'<?xml version="1.0" encoding="latin-1"?>',
    )  # fmt: skip
    start = content.find(b"?>") + 2
    return heads[count(draw, len(heads))] + content[start if start > 1 else 0 :]


@st.composite
def feeds(draw: Callable, content: bytes) -> bytes:
    """Return a feed in XML with one to three damages."""
    kinds = (
        (_element_text,),
        (_element_text,),
        (_element,),
        LINES[:3],
        BYTES,
        (_head, other_encoding, packed),
        (other_digit,),
    )
    for _ in range(draw(st.integers(1, 3))):
        kind = kinds[count(draw, len(kinds))]
        content = kind[count(draw, len(kind))](draw, content)
    return content
