"""The captured match gives exactly the story of its operator (shared captures' README)."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from random import Random
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from events.scoreboard import Scoreboard
from tests.events.boards import MS, START, Heard, captured, play, without_times


def test_captured_match_fields_are_what_was_played():
    fields = play(captured()).match_fields()
    assert fields["number"] == "101"
    assert fields["phase"] == "Final"
    assert fields["category"] == "MEN M -68KG"
    assert fields["division"] == "SENIORS"
    assert fields["rounds_planned"] == 3
    assert fields["round_seconds"] == 120
    assert fields["body_level"] == 21
    assert fields["head_level"] == 5
    assert fields["blue"] == ("LEE DH", "LEE DH", "KOR")
    assert fields["red"] == ("DELL'AQUILA V", "DELL'AQUILA V", "ITA")
    assert fields["referees"] == {
        "referee": {"name": "SMITH J", "ioc": "USA"},
        "judges": [
            {"name": "GARCIA M", "ioc": "ESP"},
            {"name": "KIM S", "ioc": "KOR"},
            {"name": "DUPONT A", "ioc": "FRA"},
        ],
    }
    assert fields["rounds"] == [[13, 8, 1], [0, 11, 2], [7, 7, 1]]
    # Blue's in round 1 at 1:35; red's in round 2, whose removal was not told.
    assert fields["gam_jeoms"] == [[1, 0], [0, 1], [0, 0]]
    assert fields["winner"] == "blue"
    assert fields["decision"] == "PTF"
    assert fields["loaded_ns"] == START + 2_930 * MS
    assert fields["started_ns"] == START + 13_357 * MS
    assert fields["ended_ns"] == START + 518_892 * MS
    assert fields["time_outs"] == []


def test_captured_match_has_both_video_replays():
    replays = play(captured()).match_fields()["replays"]
    assert replays == [
        {
            "side": 1,
            "round": 1,
            "clock_ms": 80_000,
            "state": "accepted",
            "won": None,
            "asked_ns": START + 59_425 * MS,
            "answered_ns": START + 68_433 * MS,
        },
        {
            "side": 2,
            "round": 2,
            "clock_ms": 77_000,
            "state": "denied",
            "won": None,
            "asked_ns": START + 275_891 * MS,
            "answered_ns": START + 284_898 * MS,
        },
    ]


def test_captured_match_has_its_three_kye_shis():
    injuries = play(captured()).match_fields()["injuries"]
    assert [(i["side"], i["round"], i["clock_ms"], i["shown_ms"], i["left_ms"]) for i in injuries] == [
        (0, 2, 96_000, 60_000, 47_000),
        # While waiting for round 3.
        (0, 3, 120_000, 60_000, 56_000),
        (0, 3, 84_000, 60_000, 0),
    ]
    seconds = [(i["ended_ns"] - i["started_ns"]) / 1e9 for i in injuries]
    assert [round(s) for s in seconds] == [12, 3, 60]


def test_captured_match_points_by_technique_and_hits():
    board = play(captured())
    assert board.points[1] == {"punch": 1, "body": 4, "head": 3}
    assert board.points[2] == {"punch": 1, "body": 7, "head": 2}
    # What the points were worth; the rest of the scores are turning bonuses and gam-jeoms.
    assert board.points_sum[1:] == [18, 21]
    assert board.hits[1:] == [227, 268]
    assert board.hit_best[1:] == [34, 44]
    assert board.problems == ("Round 2: blue's score went from 1 back to 0.",)


def test_captured_match_card_at_the_end():
    card = play(captured()).as_dict()
    assert json.loads(json.dumps(card)) == card
    assert card["blue"] | {"hits": None, "best_hit": None} == {
        "name": "LEE DH",
        "short": "LEE DH",
        "ioc": "KOR",
        "score": 7,
        "rounds_won": 2,
        "gam_jeoms": 0,
        "hits": None,
        "best_hit": None,
    }
    assert card["red"]["score"] == 7
    assert card["red"]["rounds_won"] == 1
    assert (card["round"], card["clock_ms"], card["clock_running"]) == (3, 0, False)
    assert (card["rest"], card["injury"], card["time_out"], card["replay"]) == (None, None, None, None)


def test_captured_gam_jeoms_are_given_to_their_athletes():
    board = Scoreboard()
    changes = []
    for message, ns, sequence in captured():
        told = board.gam_jeom_change(message) if message.kind == "gam_jeom" else None
        board.apply(message, ns, sequence)
        if message.kind == "gam_jeom":
            assert board.last_change == told
            changes.append(told)
    assert changes == [None, (1, 1), (2, 1)]


def test_captured_match_writes_are_few():
    board = Scoreboard()
    for message, ns, sequence in captured():
        before = board.version
        fields = {**board.match_fields(), "figures": None}
        board.apply(message, ns, sequence)
        told = {**board.match_fields(), "figures": None}
        assert (board.version != before) == (told != fields), message.raw
        if message.kind in ("hit", "point") or (message.kind in ("clock", "break") and not message.details):
            assert board.version == before or board.loaded_ns == ns


def test_restart_in_the_middle_changes_nothing():
    messages = captured()
    whole = play(messages)
    for cut in range(0, len(messages), 97):
        events = [
            SimpleNamespace(
                **{name: getattr(m, name) for name in m.__slots__ if name != "dialect"},
                sequence=sequence,
                received_at=_datetime(ns),
            )
            for m, ns, sequence in messages[:cut]
        ]
        board = play(messages[cut:], Scoreboard.fold(events))
        assert board.as_dict() == whole.as_dict()
        assert board.match_fields() == whole.match_fields()


def _datetime(ns):
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1000)


def _clusters(messages: list[Heard]) -> list[list[Heard]]:
    """Runs of messages within 30 ms of the first."""
    clusters: list[list[Heard]] = []
    for item in messages:
        if clusters and item[1] - clusters[-1][0][1] <= 30 * MS:
            clusters[-1].append(item)
        else:
            clusters.append([item])
    return clusters


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_captured_match_does_not_depend_on_order_within_30_ms(seed):
    random = Random(seed)
    messages = captured()
    shuffled = []
    for cluster in _clusters(messages):
        order = random.sample(cluster, len(cluster))
        # The times stay where they are: the messages change places.
        shuffled += [(m, slot[1], slot[2]) for (m, _, _), slot in zip(order, cluster, strict=True)]
    expected, found = play(messages), play(shuffled)
    assert without_times(found.match_fields()) == without_times(expected.match_fields())
    assert found.problems == expected.problems
    assert found.points == expected.points
    assert found.hits == expected.hits


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_delivery_order_within_30_ms_does_not_matter_when_times_are_kept(seed):
    random = Random(seed)
    messages = captured()
    shuffled = list(itertools.chain(*(random.sample(c, len(c)) for c in _clusters(messages))))
    assert play(shuffled).match_fields() == play(messages).match_fields()


def test_captured_match_played_as_fast_as_possible_gives_the_same():
    for step in (20_000, 200_000, 5 * MS):
        messages = [(m, START + n * step, s) for n, (m, _, s) in enumerate(captured())]
        found = without_times(play(messages).match_fields())
        assert found == without_times(play(captured()).match_fields()), step
