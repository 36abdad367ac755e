"""How an athlete fights, against a plain count of what the matches' rows say."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from events.models import Athlete, Match, UdpSession
from events.statistics.athletes import fought_rounds, record, record_of, replay_won
from ingest.protocol import parse
from ingest.protocol.encoder import encode
from ingest.simulator.match import simulate_match
from tests.factories import NOON, AthleteFactory, MatchFactory, UserFactory, make_day
from tests.ingest.feed import Feed

pytestmark = pytest.mark.django_db


def figures(**sides: Any) -> dict[str, Any]:
    return {
        "hits": [0, 0],
        "hits_measured": [0, 0],
        "hit_sum": [0, 0],
        "hit_best": [0, 0],
        "points": [{}, {}],
        "points_sum": [0, 0],
        **sides,
    }


def fight(**fields: Any) -> Match:
    """Blue wins 2–1; 5–3, 2–4, 6–0."""
    told = {
        "rounds": [[5, 3, 1], [2, 4, 2], [6, 0, 1]],
        "gam_jeoms": [[1, 0], [0, 2], [0, 0]],
        "replays": [
            {"side": 1, "state": "accepted", "won": None},
            {"side": 1, "state": "denied", "won": None},
            {"side": 2, "state": "accepted", "won": False},
            {"side": 1, "state": "opened", "won": None},
            {"side": 0, "state": "accepted", "won": None},
        ],
        "winner": "blue",
        "decision": "PTF",
        "started_at": NOON,
        "figures": figures(
            hits=[10, 8],
            hits_measured=[8, 8],
            hit_sum=[160, 80],
            hit_best=[44, 20],
            points=[{"body": 4}, {"head": 1}],
        ),
    }
    match: Match = MatchFactory(**told | fields)
    return match


def signed_in(group: str = "Viewer") -> Client:
    client = Client()
    client.force_login(UserFactory(group=group))
    return client


def page(athlete: Athlete, query: str = "") -> Any:
    return signed_in().get(reverse("admin:events_athlete_change", args=[athlete.pk]) + query)


def test_record_counts_one_match_from_both_sides() -> None:
    match = fight()
    assert match.blue
    assert match.red

    blue, red = record(match.blue), record(match.red)

    assert (blue.matches, blue.wins, blue.losses, red.wins, red.losses) == (1, 1, 0, 0, 1)
    assert (blue.points_for, blue.points_against, red.points_for, red.points_against) == (13, 7, 7, 13)
    assert (blue.rounds, blue.rounds_won, blue.rounds_lost, red.rounds_won) == (3, 2, 1, 1)
    assert (blue.gam_jeoms, blue.gam_jeoms_of_others, red.gam_jeoms) == (1, 2, 2)
    assert (blue.replays, blue.replays_won, blue.replays_lost) == (3, 1, 1)
    assert (red.replays, red.replays_won, red.replays_lost) == (1, 0, 1)
    assert (blue.hits, blue.hit_average, blue.hit_best, blue.hits_for_a_point) == (10, 20.0, 44, 2.5)
    assert (blue.win_rate, red.win_rate) == (1.0, 0.0)
    assert (blue.points_for_a_round, blue.points_against_a_match) == (13 / 3, 7.0)
    assert (dict(blue.won_by), dict(red.lost_by), dict(red.won_by)) == ({"PTF": 1}, {"PTF": 1}, {})


def test_record_of_ties_withdrawals_and_matches_without_a_result() -> None:
    athlete = AthleteFactory()
    fight(blue=athlete, winner="tie", decision="", rounds=[[4, 4, 0]], gam_jeoms=[[0, 0]], replays=[])
    # Withdrawn before the fight: a win, but no match to divide points by.
    fight(
        red=athlete,
        winner="red",
        decision="WDR",
        rounds=[[0, 0, 0]],
        gam_jeoms=[],
        replays=[],
        started_at=None,
    )
    # Left in the second round, which had only just begun.
    fight(blue=athlete, winner="", decision="", rounds=[[3, 1, 1], [0, 0, 0]], gam_jeoms=[], replays=[])
    # Loaded and never begun, as the same match is before it is loaded again.
    fight(
        blue=athlete,
        winner="",
        decision="",
        rounds=[[0, 0, 0]],
        gam_jeoms=[[0, 0]],
        replays=[],
        started_at=None,
    )

    found = record(athlete)

    assert (found.matches, found.fought, found.wins, found.ties, found.without_result) == (3, 2, 1, 1, 1)
    assert (found.rounds, found.points_for, found.points_against) == (2, 7, 5)
    assert (found.decided, found.win_rate) == (2, 0.5)
    assert dict(found.won_by) == {"WDR": 1}


def test_record_without_a_match_divides_by_nothing() -> None:
    found = record(AthleteFactory())
    shares = (
        found.win_rate,
        found.points_for_a_match,
        found.points_for_a_round,
        found.hit_average,
        found.hits_for_a_point,
        found.gam_jeoms_a_match,
    )
    assert found.matches == 0
    assert set(shares) == {None}


def test_record_takes_a_match_met_in_its_middle_for_fought() -> None:
    """The start of its clock was not heard."""
    match = fight(started_at=None, winner="", rounds=[[0, 0, 0], [2, 0, 0]], gam_jeoms=[])
    assert match.blue
    assert list(fought_rounds(match)) == [[0, 0, 0], [2, 0, 0]]
    assert record(match.blue).fought == 1


def test_record_counts_an_opponent_nobody_named_and_no_fight_against_oneself() -> None:
    athlete = AthleteFactory()
    fight(blue=athlete, red=None)
    fight(blue=athlete, red=athlete)
    assert record(athlete).matches == 1


@pytest.mark.parametrize(
    ("state", "won", "expected"),
    [
        ("accepted", None, True),
        ("denied", None, False),
        ("accepted", False, False),
        ("denied", True, True),
        ("opened", None, None),
        ("closed", None, None),
    ],
)
def test_replay_is_won_as_told_and_else_as_answered(
    state: str, won: bool | None, expected: bool | None
) -> None:
    assert replay_won({"state": state, "won": won}) is expected


def test_record_of_one_tournament_and_across_all() -> None:
    athlete = AthleteFactory()
    days = [make_day(name="One"), make_day(name="Two")]
    fight(blue=athlete, day=days[0])
    fight(blue=athlete, day=days[0], winner="red")
    fight(blue=athlete, day=days[1])
    fight(blue=athlete, day=None)

    assert [record(athlete, day.tournament_id).wins for day in days] == [1, 1]
    assert record(athlete).matches == 4


# --- Two dialects -------------------------------------------------------------------------------------


def in_other_words(datagrams: list[tuple[float, bytes]]) -> list[tuple[float, bytes]]:
    """A match of TkStrike as a sender of the published list would have told it."""
    return [(at, b"".join(encode(message, "P") for message in parse(line, "T"))) for at, line in datagrams]


def test_two_dialects_of_the_same_match_give_the_same_statistics(tmp_path: Path) -> None:
    # Names that the one cuts short and the other does not would be other athletes.
    said = [(at, text.encode("ascii", "replace")) for at, text in simulate_match(Random(11), "7").lines]
    for node, datagrams in (("T", said), ("P", in_other_words(said))):
        feed = Feed(tmp_path / node)
        feed.play(datagrams, source=f"127.0.0.{ord(node)}")
        feed.importer(node).drain()
    told, published = Match.objects.order_by("id")

    assert {session.dialect for session in UdpSession.objects.all()} == {"T", "P"}
    for who in ("blue_id", "red_id"):
        pk = getattr(told, who)
        assert pk == getattr(published, who)
        found = record_of(pk, [told])
        assert found == record_of(pk, [published])
        assert found.hits > 50
        assert found.rounds >= 2


# --- Pages --------------------------------------------------------------------------------------------


def test_athlete_page_says_what_the_record_says() -> None:
    match = fight(day=make_day())
    assert match.blue
    content = page(match.blue).content.decode()
    for words in ("1 won, 0 lost", "Points (PTF)", "13 – 7", "4 · 100 %", "best 44 of 10 hits"):
        assert words in content


def test_athlete_page_without_a_match_and_with_nonsense_in_the_address() -> None:
    athlete = AthleteFactory(name="<script>alert(1)</script>")
    for query in ("", "?tournament=999", "?tournament=x", "?tournament=-1", "?tournament=" + "9" * 50):
        response = page(athlete, query)
        assert response.status_code == 200
        assert "No match yet." in response.content.decode()
        assert "<script>alert" not in response.content.decode()
    assert signed_in().get(reverse("admin:events_athlete_change", args=[12345])).status_code == 404


def test_athlete_page_of_one_tournament_shows_its_matches_only() -> None:
    athlete = AthleteFactory()
    days = [make_day(name="One"), make_day(name="Two")]
    for day in days:
        fight(blue=athlete, day=day, number=day.tournament.name)
    response = page(athlete, f"?tournament={days[0].tournament_id}")
    assert [match.number for match, _ in response.context["matches"]] == ["One"]
    assert response.context["record"].matches == 1
    assert len(response.context["tournaments"]) == 2


def test_compare_finds_by_name_and_country_and_keeps_the_other() -> None:
    first, second = AthleteFactory(name="Ada LEE"), AthleteFactory(name="Bo ROSSI", country="ITA")
    url, client = reverse("compare_athletes"), signed_in()

    found = client.get(url, {"a": first.pk, "b_name": "ita ross"}).context["sides"][1]["found"]

    assert [who for who, _ in found] == [second]
    assert found[0][1] == f"a={first.pk}&b={second.pk}"
    assert "Nobody of that name" in client.get(url, {"a_name": "nobody"}).content.decode()
    assert "There is no such athlete." in client.get(url, {"a": "7x"}).content.decode()
    assert client.get(url).status_code == 200


def test_compare_shows_both_and_their_matches_against_each_other() -> None:
    match = fight(day=make_day())
    fight(blue=match.red)
    response = signed_in().get(reverse("compare_athletes"), {"a": match.red_id, "b": match.blue_id})

    assert dict(response.context["rows"])["Points for – against"] == ["20 – 20", "13 – 7"]
    assert [meeting.pk for meeting in response.context["meetings"]] == [match.pk]
    same = signed_in().get(reverse("compare_athletes"), {"a": match.red_id, "b": match.red_id})
    assert "Both are the same athlete." in same.content.decode()


def test_a_name_does_not_turn_round_what_is_written_after_it() -> None:
    hostile = AthleteFactory(name="\u202eEEL\u2067", country="KOR")
    assert str(hostile) == "\ufffdEEL\ufffd (KOR)"
    assert str(AthleteFactory(name="علي", country="")) == "علي"
    match = fight(day=make_day(), blue=hostile)
    page = signed_in().get(reverse("compare_athletes"), {"a": hostile.pk, "b": match.red_id})
    assert "\ufffdEEL\ufffd (KOR)" in page.content.decode()


@pytest.mark.parametrize("group", ["", "Viewer"])
def test_athletes_are_for_those_who_may_see_them(group: str) -> None:
    client = signed_in(group)
    url = reverse("compare_athletes")
    assert client.get(url).status_code == (200 if group else 403)
    assert client.post(url).status_code == 405
    assert Client().get(url).status_code == 302


def test_pages_cost_the_same_queries_for_one_match_and_three() -> None:
    athlete, other = AthleteFactory(), AthleteFactory()
    client = signed_in()
    urls = [
        reverse("admin:events_athlete_change", args=[athlete.pk]),
        f"{reverse('compare_athletes')}?a={athlete.pk}&b={other.pk}",
    ]
    counts = []
    for number in (1, 2):
        for _ in range(number):
            fight(blue=athlete, red=other, day=make_day(name=f"Open {Match.objects.count()}"))
        for url in urls:
            client.get(url)
            with CaptureQueriesContext(connection) as queries:
                client.get(url)
            counts.append(len(queries))
    assert counts[:2] == counts[2:]
