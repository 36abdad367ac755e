"""What a person types here."""

from __future__ import annotations

import sys
from pathlib import Path


def manage(command: str) -> str:
    """How `manage.py command` is started with this Python: ".venv/bin/python manage.py start"."""
    python, here = Path(sys.executable), Path.cwd()
    return f"{python.relative_to(here) if python.is_relative_to(here) else python} manage.py {command}"
