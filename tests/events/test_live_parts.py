"""Parts of the live feed that need no database."""

import json

import pytest

from events.live.pace import BURST, FRAMES_PER_S, Pace
from events.live.rings import Entry, Rings
from events.live.viewer import UNACKNOWLEDGED, Viewer, ViewerRequest


def entries(first: int, last: int, court: int | None = 1) -> list[Entry]:
    return [Entry(n, 100 + n, court, str(n)) for n in range(first, last + 1)]


def ring_with(*groups: list[Entry], **sizes: int) -> Rings:
    rings = Rings(**sizes)
    for entry in sorted(entry for group in groups for entry in group):
        rings.add(entry)
    return rings


def ordinals(found: list[Entry] | None) -> list[int] | None:
    return None if found is None else [entry.ordinal for entry in found]


# --- Rings ------------------------------------------------------------------------------------------


def test_rings_give_what_followed_an_event() -> None:
    rings = ring_with(entries(1, 10))
    assert ordinals(rings.since(107, upto=10)) == [8, 9, 10]
    assert ordinals(rings.since(110, upto=10)) == []


def test_rings_hold_back_what_is_not_published() -> None:
    rings = ring_with(entries(1, 10))
    assert ordinals(rings.since(107, upto=9)) == [8, 9]
    assert ordinals(rings.newest(upto=9, limit=3, each=1)) == [7, 8, 9]


def test_rings_say_so_when_they_do_not_reach_back() -> None:
    rings = ring_with(entries(1, 10), per_court=5)
    assert len(rings) == 5
    assert rings.since(104, upto=10) is None
    assert ordinals(rings.since(105, upto=10)) == [6, 7, 8, 9, 10]


def test_rings_follow_the_feed_when_keys_are_out_of_order() -> None:
    rings = ring_with([Entry(1, 50, 1, ""), Entry(2, 53, 2, ""), Entry(3, 51, 1, ""), Entry(4, 54, 1, "")])
    assert ordinals(rings.since(53, upto=4)) == [3, 4]


def test_rings_forget_the_court_that_is_quiet_longest() -> None:
    rings = ring_with(entries(1, 1, court=1), entries(2, 2, court=2), entries(3, 3, court=3), courts=2)
    assert ordinals(rings.newest(upto=9)) == [2, 3]
    assert rings.since(100, upto=9) is None


def test_rings_newest_has_some_of_every_court() -> None:
    rings = ring_with(entries(1, 3, court=1), entries(4, 50, court=2))
    assert ordinals(rings.newest(upto=50, limit=4, each=2)) == [2, 3, 47, 48, 49, 50]


# --- Pace -------------------------------------------------------------------------------------------


def frames(pace: Pace, seconds: float, every: float, viewers: int, took: float = 0.0) -> list[float]:
    """When frames go out, with an event each `every` seconds."""
    now, sent = 0.0, []
    while now < seconds:
        now += pace.delay(now, viewers)
        sent.append(now)
        now += took
        pace.sent(now, took)
        now += every
    return sent


def test_pace_sends_single_events_at_once() -> None:
    pace = Pace()
    assert pace.delay(0.0, 50) == 0.0
    pace.sent(0.0, 0.001)
    assert pace.delay(0.1, 50) == 0.0


def test_pace_settles_at_its_rate_under_load() -> None:
    sent = frames(Pace(), seconds=10, every=0.001, viewers=50)
    assert len(sent) <= FRAMES_PER_S * 10 + BURST + 1
    assert sent[-1] - sent[-2] == pytest.approx(1 / FRAMES_PER_S, abs=0.005)


def test_pace_widens_with_viewers_and_with_the_time_sending_takes() -> None:
    many = frames(Pace(), seconds=10, every=0.001, viewers=250)
    assert many[-1] - many[-2] == pytest.approx(0.2, abs=0.01)
    slow = frames(Pace(), seconds=10, every=0.001, viewers=1, took=0.1)
    assert slow[-1] - slow[-2] >= 0.2


# --- What an address asks for ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "after", "stream"),
    [
        (b"", None, True),
        (b"after=17", 17, True),
        (b"after=0&stream=0", 0, False),
        (b"after=-1", None, True),
        (b"after=x", None, True),
        (b"after=99999999999999999999", None, True),
        (b"after=9223372036854775808", None, True),
        ("after=١٢".encode(), None, True),
        (b"after=%00&after=%ff", None, True),
        (b"\xff\xfe", None, True),
    ],
)
def test_request_reads_the_address(query: bytes, after: int | None, stream: bool) -> None:
    assert ViewerRequest.parse(query) == ViewerRequest(after, stream)


# --- A viewer ---------------------------------------------------------------------------------------


def message(first: int, last: int) -> dict[str, object]:
    return {"type": "live.frame", "first": first, "last": last, "text": f"{first}-{last}"}


def viewer(ordinal: int = 10, stream: bool = True) -> Viewer:
    return Viewer(ordinal, stream, lambda: "cards")


def test_viewer_is_not_sent_what_its_snapshot_held() -> None:
    one = viewer()
    assert one.take(message(8, 10)) == []
    assert one.take(message(11, 12)) == ["11-12"]


def test_viewer_is_told_how_many_it_missed() -> None:
    texts = viewer().take(message(15, 15))
    assert json.loads(texts[0]) == {"type": "gap", "skipped": 4, "reason": "behind"}
    assert texts[1:] == ["cards", "15-15"]


def test_viewer_learns_of_a_gap_from_the_status_that_follows() -> None:
    one = viewer()
    assert json.loads(one.take(message(14, 13))[0])["skipped"] == 3
    assert one.take(message(14, 13)) == ["14-13"]


def test_viewer_of_cards_is_sent_all_cards_instead_of_a_gap() -> None:
    assert viewer(stream=False).take(message(15, 15)) == ["cards", "15-15"]


def test_viewer_that_falls_behind_is_skipped_ahead() -> None:
    one = viewer()
    one.greeting(["snapshot"])
    one.acknowledge('{"ack": 1}')
    sent = [text for n in range(11, 111) for text in one.take(message(n, n))]
    assert len(sent) == UNACKNOWLEDGED + 1
    one.acknowledge(json.dumps({"ack": 1 + len(sent)}))
    texts = one.take(message(111, 111))
    assert json.loads(texts[0])["skipped"] == 100 - len(sent)
    assert texts[-1] == "111-111"


def test_viewer_that_never_acknowledges_is_sent_everything() -> None:
    one = viewer()
    assert sum(len(one.take(message(n, n))) for n in range(11, 1011)) == 1000


@pytest.mark.parametrize(
    "text",
    [None, "", "x", "[]", "{}", '{"ack": null}', '{"ack": "1"}', '{"ack": -1}', '{"ack": 99}', "9" * 5000],
)
def test_viewer_ignores_what_is_no_acknowledgement(text: str | None) -> None:
    one = viewer()
    one.acknowledge(text)
    assert not one.is_behind
    assert sum(len(one.take(message(n, n))) for n in range(11, 111)) == 100
