"""Generated matches, sent as the real sender does: the messages of one action in any order."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from events.scoreboard import Scoreboard
from tests.events.boards import LOAD, MS, START, Heard, heard, play, without_times

# What the messages of one action need to arrive, whatever their order.
DISORDER_MS = 30


@dataclass
class Playing:
    """A match being played, and what must be found of it."""

    random: Random
    now_ms: int = 0
    clock_s: int = 120
    round: int = 1
    scores: list[list[int]] = field(default_factory=lambda: [[0, 0]])
    gam_jeoms: list[list[int]] = field(default_factory=lambda: [[0, 0]])
    winners: list[int] = field(default_factory=lambda: [0])
    replays: list[tuple[int, int, int, str]] = field(default_factory=list)
    injuries: list[tuple[int, int, int]] = field(default_factory=list)
    points: list[int] = field(default_factory=lambda: [0, 0, 0])
    # Each the time of an action (ms), and its lines.
    actions: list[tuple[int, list[str]]] = field(default_factory=list)

    def send(self, *lines: str) -> None:
        self.actions.append((self.now_ms, list(lines)))

    def wait(self, ms: int) -> None:
        self.now_ms += ms

    def score_lines(self) -> list[str]:
        blue, red = self.scores[-1]
        by_round = [*self.scores, [0, 0], [0, 0]][:3]
        text = ";".join(f"s1{n};{b};s2{n};{r}" for n, (b, r) in enumerate(by_round, 1))
        return [f"sc1;{blue};sc2;{red}", text]

    def point(self) -> None:
        side, points = self.random.randint(1, 2), self.random.randint(1, 3)
        self.scores[-1][side - 1] += points
        self.points[side] += points
        self.send(f"hl{side};{self.random.randint(20, 60)}", f"pt{side};{points}", *self.score_lines())
        if self.random.random() < 0.3:
            self.wait(self.random.randint(100, 250))
            self.scores[-1][side - 1] += 2
            self.send(*self.score_lines())

    def removal(self) -> None:
        side = self.random.randint(0, 1)
        if self.scores[-1][side]:
            self.scores[-1][side] -= 1
            self.send(*self.score_lines())

    def gam_jeom(self) -> None:
        side = self.random.randint(0, 1)
        if self.gam_jeoms[-1][side] < 4:
            self.gam_jeoms[-1][side] += 1
            self.scores[-1][1 - side] += 1
            blue, red = self.gam_jeoms[-1]
            self.send(f"wg1;{blue};wg2;{red}", *self.score_lines())

    def clock(self) -> str:
        return f"{self.clock_s // 60:02}:{self.clock_s % 60:02}"

    def stopped(self, during: str) -> None:
        self.send(f"clk;{self.clock()};stop")
        self.wait(self.random.randint(300, 3000))
        side = self.random.randint(0, 2)
        if during == "replay":
            state = self.random.choice(["accepted", "denied"])
            self.replays.append((side, self.round, self.clock_s * 1000, state))
            self.send(f"ch{side};")
            self.wait(5000)
            self.send(f"ch{side};{int(state == 'accepted')}")
        else:
            self.injuries.append((self.round, self.clock_s * 1000, 57_000))
            # The first tick comes with the show, the last with the hide.
            self.send("ij0;01:00;show", "ij0;00:59")
            self.wait(1000)
            self.send("ij0;00:58")
            self.wait(1000)
            self.send("ij0;00:57;hide", "ij0;00:57")
        self.wait(self.random.randint(300, 3000))
        self.send(f"clk;{self.clock()};start")

    def fight(self) -> None:
        self.send("clk;02:00;start", "clk;01:59")
        self.clock_s = 119
        # Enough ticks to tell how fast the match is played.
        for _ in range(4):
            self.wait(1000)
            self.clock_s -= 1
            self.send(f"clk;{self.clock()}")
        for _ in range(self.random.randint(0, 12)):
            self.wait(1000 - self.now_ms % 1000 + 5)
            self.clock_s -= 1
            self.send(f"clk;{self.clock()}")
            self.wait(self.random.randint(60, 600))
            act = self.random.choice(["point", "point", "removal", "gam_jeom", "replay", "injury"])
            if act in ("replay", "injury"):
                self.stopped(act)
            else:
                getattr(self, act)()
            self.wait(100)
        self.wait(500)
        self.clock_s = 0
        self.send("clk;0:00;stopEnd", "clk;00:00;stop", self.wrd())
        self.wait(3000)
        self.winners[-1] = self.random.randint(1, 2)
        self.send(self.wrd())

    def wrd(self) -> str:
        return "wrd;" + ";".join(f"rd{n};{w}" for n, w in enumerate([*self.winners, 0, 0, 0][:4], 1))

    def rest(self) -> None:
        for seconds in (59, 58, 57):
            self.wait(1000)
            self.send(f"brk;00:{seconds}")
        self.round += 1
        self.scores.append([0, 0])
        self.gam_jeoms.append([0, 0])
        self.winners.append(0)
        self.wait(1000)
        self.send("brk;0:00;stopEnd", f"rnd;{self.round}")
        self.wait(2000)


def make_match(seed: int) -> Playing:
    playing = Playing(Random(seed))
    playing.send(*(line for _, line in LOAD))
    for number in range(1, playing.random.randint(1, 3) + 1):
        playing.wait(5000)
        if number > 1:
            playing.rest()
        playing.fight()
    playing.wait(4000)
    winner = playing.winners[-1]
    won = [playing.winners.count(side) for side in (1, 2)]
    playing.send(
        f"wmh;{('LEE DH', 'ROSSI V')[winner - 1]};{won[0]}-{won[1]} PTF", f"win;{('BLUE', 'RED')[winner - 1]}"
    )
    return playing


def sent(playing: Playing, random: Random) -> list[Heard]:
    """The messages as they arrive: those of an action within 30 ms, in any order."""
    lines: list[tuple[float, str]] = []
    for at_ms, action in playing.actions:
        order = random.sample(action, len(action))
        delays = sorted(random.uniform(0, DISORDER_MS) for _ in order)
        lines += [((at_ms + delay) / 1000, line) for delay, line in zip(delays, order, strict=True)]
    return heard(lines)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_match_is_found_as_played_in_any_order(seed: int, order: int):
    playing = make_match(seed)
    board = play(sent(playing, Random(order)))
    fields = board.match_fields()
    assert board.match_serial == 1
    assert fields["number"] == "7"
    assert fields["rounds"] == [[*s, w] for s, w in zip(playing.scores, playing.winners, strict=True)]
    assert fields["gam_jeoms"] == playing.gam_jeoms
    assert [(r["side"], r["round"], r["clock_ms"], r["state"]) for r in fields["replays"]] == playing.replays
    injuries = [(i["round"], i["clock_ms"], i["left_ms"]) for i in fields["injuries"]]
    assert injuries == playing.injuries
    assert all(i["shown_ms"] == 60_000 for i in fields["injuries"])
    assert (fields["winner"], fields["decision"]) == (("blue", "red")[playing.winners[-1] - 1], "PTF")
    assert board.points_sum == playing.points
    assert all(" back to " in problem for problem in board.problems)
    card = board.as_dict()
    assert (card["rest"], card["injury"], card["clock_running"]) == (None, None, False)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 2**32), st.integers(0, 2**32))
def test_two_orders_of_a_match_give_the_same(seed: int, one: int, other: int):
    playing = make_match(seed)
    first, second = play(sent(playing, Random(one))), play(sent(playing, Random(other)))
    assert without_times(first.match_fields()) == without_times(second.match_fields())
    assert first.problems == second.problems


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 2**32), st.integers(2, 60))
def test_match_played_fast_is_found_as_played(seed: int, order: int, speed: int):
    playing = make_match(seed)
    messages = [(m, START + (ns - START) // speed, s) for m, ns, s in sent(playing, Random(order))]
    fields = play(messages).match_fields()
    assert fields["rounds"] == [[*s, w] for s, w in zip(playing.scores, playing.winners, strict=True)]
    assert fields["winner"] == ("blue", "red")[playing.winners[-1] - 1]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_every_state_on_the_way_is_near_the_truth(seed: int, order: int):
    """A score on the card never shows points that nobody has, however its messages come."""
    playing = make_match(seed)
    most = [max(s[0] for s in playing.scores) + 60, max(s[1] for s in playing.scores) + 60]
    board = Scoreboard()
    last_round = 0
    for message, ns, sequence in sent(playing, Random(order)):
        board.apply(message, ns, sequence)
        assert board.score[0] <= most[0]
        assert board.score[1] <= most[1]
        assert (board.round or 0) >= last_round
        last_round = board.round or 0
        assert ns // MS >= (board.loaded_ns or 0) // MS
