"""Rosters: the athletes of a tournament from a file, before they fight."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from events.flags import FLAGS
from events.models import Athlete
from events.sheets import ATHLETES
from tournaments.imports.rows import RowResource

# Without a flag of their own: neutral athletes, the refugee team, Chinese Taipei.
CODES = FLAGS.keys() | {"AIN", "EOR", "ROT", "TPE"}


class AthleteResource(RowResource):
    """Known again by name and country, exactly as the scoring system writes them.

    That is how the importer finds an athlete, too: one who is in a roster and then fights is one athlete.
    Of one who is there already the country may be missing or cut, as the scoring system wrote it.
    """

    most_rows = 2_000
    natural_key = ("name", "country")
    required = ("name", "country")
    kept_when_empty = ("short_name",)

    class Meta:
        model = Athlete
        fields = tuple(ATHLETES.fields)
        import_order = fields
        clean_model_instances = True
        skip_unchanged = True

    def may_be_empty(self, name: str, row: Any) -> bool:
        return name == "country" and bool(row["name"]) and self.find(row) is not None

    def tidy(self, row: Any) -> None:
        for name in ("name", "short_name", "country"):
            if name in row:
                row[name] = str(row[name])
        code = row["country"].upper()
        if code in CODES:
            row["country"] = code
        elif self.find(row) is None:
            raise ValidationError(f"“{row['country'][:20]}” is no IOC code, as KOR or GER.")
        # As the importer stores them.
        if not row.get("short_name"):
            row.setdefault("short_name", row["name"][:100])

    def find(self, row: Any) -> Athlete | None:
        return Athlete.objects.filter(name=row["name"], country=row["country"]).first()
