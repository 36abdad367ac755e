"""What a value becomes in a cell.

Names and messages come from other machines, and a spreadsheet takes a text that begins with `=`, `+`,
`-`, `@`, a tab or a line end for a formula. So that none can begin one, an apostrophe is put before it, also
after a semicolon, comma, bar, tab or line end inside a text, where a program that splits at another
separator would begin a cell. `unguard` takes exactly these apostrophes away again. Numbers stay numbers.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

# What XML cannot hold, or changes, as Excel itself writes it: `_x001B_`; a text that looks like that, too.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
# What Excel holds in one cell.
LONGEST = 32_767
_CUT = "… (cut)"
# The last four are their wide forms, which a Japanese Excel takes for the same.
_BEGINS = r"(^|[;,|\t\r\n])('*)(?=[=+\-@\t\r\n＝＋－＠])"
_UNGUARDED = re.compile(_BEGINS)
_GUARDED = re.compile(_BEGINS.replace("('*)", "'('*)"))


def guard(text: str) -> str:
    return _UNGUARDED.sub(r"\1'\2", text)


def unguard(text: str) -> str:
    """The text that `guard` was given."""
    return _GUARDED.sub(r"\1\2", text)


def csv_cell(value: Any) -> Any:
    """Text, a number, or '' for nothing; moments as ISO 8601 with their distance from UTC."""
    if isinstance(value, str):
        return guard(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return value
    return guard(_text(value))


def xlsx_cell(value: Any) -> Any:
    """A text, number or date as Excel has them; moments lose their zone, which has a column of its own."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = guard(value if isinstance(value, str) else _text(value))
    text = _UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
    return text if len(text) <= LONGEST else text[: LONGEST - len(_CUT)] + _CUT


def _text(value: Any) -> str:
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)
