"""Figures as the health page writes them; “—” for what is not known."""

from __future__ import annotations

from datetime import timedelta

from django import template
from django.utils.formats import number_format

from events.words import duration_text

register = template.Library()


@register.filter
def measured(value: float | str | None, places: int = 0) -> str:
    """A number with its thousands parted; `None`, or what a template finds nothing for, is “—”."""
    if value is None or isinstance(value, str):
        return "—"
    return number_format(round(value, places), places, force_grouping=True)


@register.filter
def percent(part: float, places: int = 0) -> str:
    return f"{measured(part * 100, places)} %"


@register.filter
def megabytes(size: int) -> str:
    return f"{measured(size / 1e6, 1 if size < 10e6 else 0)} MB"


@register.filter
def gigabytes(size: int) -> str:
    return f"{measured(size / 1e9, 1)} GB"


register.filter("duration", duration_text)


@register.filter
def seconds(number: float) -> str:
    """As `duration`, of seconds."""
    return duration_text(number * 1000)


@register.filter
def ago(silent: timedelta) -> str:
    """ "4 s ago", "12 min ago" """
    total = int(silent.total_seconds())
    return f"{total} s ago" if total < 120 else f"{total // 60} min ago"
