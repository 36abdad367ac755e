"""`python -m bench.hall`: a tournament with its first day active, and somebody of staff.

Runs in an installation's environment. Prints JSON: the ids of tournament and
day, and a session cookie of a staff user who may see all.
"""

from __future__ import annotations

import json
import os
from datetime import timedelta

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "restrike.settings")
    django.setup()
    from django.contrib.auth.models import User
    from django.test import Client
    from django.utils import timezone

    from tournaments.context import set_context
    from tournaments.models import Tournament

    today = timezone.localdate()
    tournament = Tournament.objects.create(
        name="Bench Open", slug="bench-open", start_date=today, end_date=today + timedelta(1)
    )
    day = tournament.days.order_by("number").first()
    assert day is not None
    set_context(day)
    user = User.objects.create_superuser("bench")
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    session = client.cookies["sessionid"].value
    print(json.dumps({"tournament": tournament.pk, "day": day.pk, "session": session}))


if __name__ == "__main__":
    main()
