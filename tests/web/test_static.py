"""What is served from the package, without collecting and without the network."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

import eclectyc.web

STATIC = Path(eclectyc.web.__file__).parent / "static"
TEMPLATES = Path(eclectyc.web.__file__).parent / "templates"
CHARTS = STATIC / "vendor" / "echarts" / "echarts.min.js"


def test_the_compressed_chart_library_is_the_chart_library() -> None:
    assert gzip.decompress(CHARTS.with_suffix(".js.gz").read_bytes()) == CHARTS.read_bytes()


def test_a_browser_that_takes_it_gets_the_smaller_file() -> None:
    answer = Client().get("/static/vendor/echarts/echarts.min.js", headers={"Accept-Encoding": "gzip"})
    body = b"".join(answer.streaming_content)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(body) < 500_000
    assert gzip.decompress(body) == CHARTS.read_bytes()


@pytest.mark.parametrize("name", ["js/theme.js", "css/tokens.css", "django_htmx/htmx-2.min.js", "img/mark.svg"])
def test_assets_are_served_to_anybody(name: str) -> None:
    answer = Client().get(f"/static/{name}")
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content)


def test_every_asset_that_a_template_names_is_there() -> None:
    for template in TEMPLATES.rglob("*.html"):
        for name in re.findall(r"{% static '([^']+)' %}", template.read_text()):
            assert finders.find(name), (template.name, name)


def test_every_module_that_a_script_imports_is_there() -> None:
    for script in (STATIC / "js").rglob("*.js"):
        for name in re.findall(r'from "(\./[^"]+)"', script.read_text()):
            assert (script.parent / name).is_file(), (script.name, name)


def test_every_custom_property_that_is_used_is_defined() -> None:
    sheets = "\n".join(sheet.read_text() for sheet in (STATIC / "css").glob("*.css"))
    scripts = "\n".join(script.read_text() for script in (STATIC / "js").rglob("*.js"))
    defined = set(re.findall(r"(--[a-z0-9-]+)\s*:", sheets))
    used = set(re.findall(r"var\((--[a-z0-9-]+)", sheets + scripts))
    assert used - defined == set()


def test_colours_are_named_only_where_tokens_are() -> None:
    for sheet in (STATIC / "css").glob("*.css"):
        if sheet.name != "tokens.css":
            assert not re.findall(r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)", sheet.read_text()), sheet.name
