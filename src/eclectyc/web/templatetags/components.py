"""Components of pages: a file of ``templates/web/components`` each, with named arguments.

What wraps something is a block: ``{% scroll_table "Sites" %} … {% endscroll_table %}``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

if TYPE_CHECKING:
    from eclectyc.web.list_component import Row
    from eclectyc.web.views.admin.page import Button, Danger

register = template.Library()


@register.simple_block_tag
def scroll_table(content: str, label: str = "", labelled_by: str = "", kind: str = "") -> SafeString:
    """A table that scrolls inside itself. labelled_by : the id of the heading that names it; kind : more classes."""
    name = format_html('aria-labelledby="{}"', labelled_by) if labelled_by else format_html('aria-label="{}"', label)
    classes = f"table {kind}".strip()
    return format_html(
        '<div class="table-wrap" tabindex="0" role="region" {}><table class="{}">{}</table></div>',
        name,
        classes,
        content,
    )


@register.simple_block_tag
def panel(content: str, title: str, id: str, kind: str = "") -> SafeString:
    """A panel under its heading. kind : more classes, such as flush or span-4."""
    return format_html(
        '<section class="{}" aria-labelledby="{}"><div class="panel-head"><h2 id="{}">{}</h2></div>{}</section>',
        f"panel {kind}".strip(),
        id,
        id,
        title,
        content,
    )


@register.simple_block_tag
def flush_panel(content: str, title: str) -> SafeString:
    """A panel whose table reaches its edges, under a small heading."""
    return format_html(
        '<section class="panel flush" aria-label="{}"><h2 class="more-title padded">{}</h2>{}</section>',
        title,
        title,
        content,
    )


@register.inclusion_tag("web/components/action_button.html")
def action_button(do: str, name: str, address: str = "", kind: str = "") -> dict[str, Any]:
    """A form of one button."""
    return {"do": do, "name": name, "address": address, "kind": kind}


@register.inclusion_tag("web/components/row_button.html")
def row_button(button: Button, row: Row, action: str = "") -> dict[str, Any]:
    """A button of a row: a link, or a form that names the row."""
    return {"button": button, "row": row, "action": action}


@register.inclusion_tag("web/components/danger_panel.html")
def danger_panel(danger: Danger) -> dict[str, Any]:
    """What ends a thing, with what is lost."""
    return {"danger": danger}


@register.inclusion_tag("web/components/form_check.html")
def check_box(
    name: str, id: str, label: str, value: str = "true", *, is_on: bool = False, described_by: str = ""
) -> dict[str, Any]:
    """A box to tick, with its label."""
    return {"name": name, "id": id, "label": label, "value": value, "is_on": is_on, "described_by": described_by}
