"""Replays: start, control, stop, and the live page that shows one."""

from __future__ import annotations

from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from events.asked import key_of, signed_in, whole_number
from events.kinds import Kind, Status
from events.live.feed import now_ms
from events.models import Match
from events.models_replay import MOST_REPLAYS, SPEEDS, Replay
from events.replay.files import captures, known_files
from events.replay.loaded import loaded
from events.replay.present import courts_now
from events.replay.recording import MOST_COURTS, RecordingError, StillReading


@require_safe
@permission_required("events.view_replay", raise_exception=True)
@never_cache
def replays(request: HttpRequest) -> HttpResponse:
    """What is being played, and what else could be."""
    context = {
        **admin.site.each_context(request),
        "title": "Replay",
        "replays": Replay.objects.select_related("by"),
        "files": known_files().values(),
        "captures": captures(),
        "most": MOST_REPLAYS,
    }
    return render(request, "events/replays/list.html", context)


@require_POST
@permission_required("events.add_replay", raise_exception=True)
def start(request: HttpRequest) -> HttpResponse:
    """Plays a match (`match`, its key) or a file (`file`, one of `known_files`) from its beginning."""
    Replay.objects.forget()
    if Replay.objects.count() >= MOST_REPLAYS:
        messages.error(request, f"{MOST_REPLAYS} replays are going on. Stop one of them first.")
        return redirect("replays")
    made = Replay(by=signed_in(request))
    if key := key_of(request.POST.get("match")):
        made.match = get_object_or_404(Match.objects.select_related("court", "day__tournament"), pk=key)
        places = filter(None, (made.match, made.match.court, made.match.day))
        made.name = " · ".join(map(str, places))[:200]
    else:
        made.file = request.POST.get("file", "")[:255]
        made.name = made.file.rpartition("/")[2]
    made.save()
    try:
        loaded(made)
    except StillReading:
        pass
    except RecordingError as error:
        made.delete()
        messages.error(request, str(error))
        return redirect("replays")
    return redirect(made)


@require_safe
@permission_required("events.view_replay", raise_exception=True)
@never_cache
def replay(request: HttpRequest, pk: int) -> HttpResponse:
    """The live page, fed by the replay; while its file is being read, how far that is."""
    played = Replay.objects.select_related("match").filter(pk=pk).first()
    if played is None:
        messages.info(request, "That replay has ended.")
        return redirect("replays")
    try:
        recording = loaded(played, 0)
    except StillReading as error:
        played.mark_watched()
        about = {"title": str(played), "replay": played, "how_far": error}
        context = {**admin.site.each_context(request), **about}
        return render(request, "events/replays/reading.html", context)
    except RecordingError as error:
        messages.error(request, str(error))
        return redirect("replays")
    context = {
        **admin.site.each_context(request),
        "title": str(played),
        "replay": played,
        "played_senders": MOST_COURTS if recording.left_out else None,
        "speeds": SPEEDS,
        "courts": [],
        "tournaments": [],
        "kinds": Kind.choices,
        "statuses": Status.choices,
        "may_control": request.user.has_perm("events.change_replay"),
    }
    return render(request, "live/live.html", context)


@require_POST
@permission_required("events.change_replay", raise_exception=True)
def control(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes `paused` (0 or 1), `speed` (one of SPEEDS) and `position` (ms); nonsense changes nothing."""
    played = get_object_or_404(Replay, pk=pk)
    paused, speed = request.POST.get("paused"), whole_number(request.POST.get("speed"))
    played.set(
        paused={"0": False, "1": True}.get(paused or ""),
        speed=speed if speed in SPEEDS else None,
        position=whole_number(request.POST.get("position")),
    )
    return JsonResponse(played.told())


@require_POST
@permission_required("events.change_replay", raise_exception=True)
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Ends it everywhere: displays that showed it are live again."""
    get_object_or_404(Replay, pk=pk).delete()
    messages.success(request, "The replay is stopped. Displays that showed it are live again.")
    return redirect("replays")


@require_safe
@permission_required("events.view_replay", raise_exception=True)
@never_cache
def state(request: HttpRequest, pk: int) -> HttpResponse:
    """JSON: where the replay stands and the cards of its courts, by number. Clocks are as of `now`."""
    played = get_object_or_404(Replay.objects.select_related("match__court"), pk=pk)
    now = now_ms()
    try:
        by_number = {court["number"]: court["card"] for court in courts_now(played, now)}
    except RecordingError as error:
        return JsonResponse({"error": str(error)}, status=409)
    return JsonResponse({"replay": played.told(), "now": now, "courts": by_number})
