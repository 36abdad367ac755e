"""Matches and files that are being played again."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router

from events.api import schemas
from events.api.access import readers
from events.api.pages import Key, one
from events.api.problems import ProblemError
from events.live.feed import now_ms
from events.models_replay import Replay
from events.replay.present import courts_now
from events.replay.recording import RecordingError, StillReading

router = Router(tags=["Replays"])
replay_readers = readers("events.view_replay")


@router.get("/replays", response=schemas.Replays, auth=replay_readers)
def list_replays(request: HttpRequest) -> Any:
    """What is being played again now, the last begun first. They are a handful: there are no pages."""
    return {"items": [replay.told() for replay in Replay.objects.all()]}


@router.get("/replays/{replay}", response=schemas.ReplayState, auth=replay_readers)
def get_replay(request: HttpRequest, replay: Key) -> Any:
    """One replay as its scoreboards stand now, in the shape of the live state. Nothing of it happens now."""
    played = one(Replay.objects.select_related("match__court", "match__day__tournament"), replay)
    now = now_ms()
    try:
        courts = courts_now(played, now)
    except StillReading as error:
        raise ProblemError(503, str(error)) from None
    except RecordingError as error:
        raise ProblemError(404, str(error)) from None
    return {**played.told(), "now": now, "courts": courts}
