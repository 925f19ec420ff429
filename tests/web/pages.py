"""What a page says, read out of its HTML."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

from django.http import HttpResponse


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(data)


def text_of(response: HttpResponse) -> str:
    """Return the words of a page, with single plain spaces."""
    reader = _Text()
    reader.feed(response.content.decode())
    return re.sub(r"[\s\u202f]+", " ", " ".join(reader.parts).replace("\u2060", "")).replace(" ,", ",")


def chart(response: HttpResponse, name: str) -> dict[str, Any]:
    """Return a chart's data."""
    found = re.search(
        rf'<script id="{name}-data" type="application/json">(.*?)</script>', response.content.decode(), re.S
    )
    assert found, f"there is no chart {name}"
    data: dict[str, Any] = json.loads(found[1])
    return data


def rows_of(response: HttpResponse) -> list[list[str]]:
    """Return the cells of the page's tables, row by row, head and foot included."""
    rows = re.findall(r"<tr>(.*?)</tr>", response.content.decode(), re.S)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in rows]
    return [[re.sub(r"[\s\u202f]+", " ", re.sub(r"<[^>]+>", " ", cell)).strip() for cell in row] for row in cells]
