"""{% load flags %} … {% flag athlete.country %}   the flag of an IOC code, with the letters beside it"""

from __future__ import annotations

from django import template
from django.templatetags.static import static
from django.utils.html import format_html

from events.flags import DIRECTORY, flag_of

register = template.Library()


@register.simple_tag
def flag(code: str | None) -> str:
    """The picture and the code; the code alone in a neutral box where it has none, nothing without a code."""
    if not code:
        return ""
    if picture := flag_of(code):
        url = static(f"{DIRECTORY}/{picture}.svg")
        return format_html('<img class="rs-flag" src="{}" alt="" width="24" height="16"> {}', url, code)
    return format_html('<span class="rs-flag-none">{}</span>', code)
