"""A process beside the importer that changes the context, as staff do from the admin.

python -m tests.ingest.switcher      one JSON object a line in, one out

{"set": 7, "court": 3}               day 7 (null: none) in force on court 3 (null: all) from now on
{"set": 7, "court": 3, "hold": true} the same, but not visible until the next line comes
{"hall": 16}                         courts and two tournaments; their keys come back
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from typing import Any

from tests.processes import PROJECT, Stack


class Switcher:
    """The other end: asks and waits for the answer."""

    def __init__(self, stack: Stack) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.ingest.switcher"],
            env={**stack.env, "DJANGO_SETTINGS_MODULE": "restrike.settings"},
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Switcher:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        assert self._process.wait(20) == 0

    def ask(self, **request: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the switcher has ended"
        return json.loads(line)

    def set(self, day: int | None, court: int | None = None, **options: Any) -> int:
        """The key of the change."""
        return int(self.ask(set=day, court=court, **options))


def _hall(courts: int) -> dict[str, list[int]]:
    from tournaments.models import Court, Tournament

    made = [Court.objects.create(number=n, source=f"127.0.3.{n}") for n in range(1, courts + 1)]
    days = []
    for name in ("North Open", "South Open"):
        tournament = Tournament.objects.create(
            name=name, start_date=date(2026, 11, 21), end_date=date(2026, 11, 22)
        )
        days += tournament.days.order_by("number").values_list("pk", flat=True)
    return {"courts": [court.pk for court in made], "days": list(days)}


def _main() -> None:
    import django

    django.setup()
    from django.db import transaction

    from tournaments.context import set_context
    from tournaments.models import Court, TournamentDay

    def answer(value: object) -> None:
        print(json.dumps(value), flush=True)

    for line in sys.stdin:
        request = json.loads(line)
        if "hall" in request:
            answer(_hall(request["hall"]))
        elif "set" in request:
            with transaction.atomic():
                day, court = request["set"], request["court"]
                change = set_context(
                    TournamentDay.objects.get(pk=day) if day else None,
                    court=Court.objects.get(pk=court) if court else None,
                )
                answer(change.pk)
                if request.get("hold"):
                    sys.stdin.readline()
            if request.get("hold"):
                answer("visible")
        else:
            answer(None)


if __name__ == "__main__":
    _main()
