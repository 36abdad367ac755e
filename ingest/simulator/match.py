"""A whole best-of-three match as a court's scoring system would send it.

Pure: everything comes from the `random.Random` given, times are seconds from the match's first
datagram, nothing sleeps and nothing is sent. What TkStrike really does is followed: order, pace,
the disorder of its thread pool within 30 ms, the round winners that come late.
"""

import random
from dataclasses import dataclass
from typing import Any

from ingest.protocol import Message, truncate_like_tkstrike
from ingest.protocol.messages import PUBLISHED, TKSTRIKE
from ingest.simulator.athletes import invent_several
from ingest.simulator.story import BLUE, RED, MatchStory, RoundStory
from ingest.simulator.voice import DISORDER, Voice

_REST = 60.0
_POINT_GAP = 12
_MOST_GAM_JEOMS = 5
_SIDES = {BLUE: "blue", RED: "red"}

_PHASES = (
    "Final",
    "Semifinal",
    "Quarterfinal",
    "Round of 16",
    "Round of 32",
    "1/4 Финал",
    "Demi-finale à huit",
)
_CATEGORIES = ("MEN M -68KG", "WOMEN F -57KG", "MEN M -80KG", "WOMEN F -49KG", "MEN M -58KG", "MÄNNER -74KG")
_DIVISIONS = (("SENIORS", 120), ("JUNIORS", 120), ("CADETS", 90), ("U21", 120))
# Technique: points, weight, whether a sensor feels it (a punch is given by the judges).
_TECHNIQUES = {
    "punch": (1, 14, False),
    "body": (2, 50, True),
    "head": (3, 24, True),
    "technical_body": (4, 8, True),
    "technical_head": (5, 4, True),
}
_PUBLISHED_NUMBER = {name: number for number, name in enumerate(_TECHNIQUES, start=1)}


@dataclass(frozen=True, slots=True)
class SimulatedMatch:
    """A match: what was played, and its lines as (seconds from the start, text), in sending order."""

    story: MatchStory
    lines: tuple[tuple[float, str], ...]
    dialect: str
    # What its JSON output says, in the same way, as bytes.
    objects: tuple[tuple[float, bytes], ...] = ()

    def datagrams(self) -> list[tuple[float, bytes]]:
        """The bytes the sender puts on the wire, cut as TkStrike cuts them."""
        cut = truncate_like_tkstrike if self.dialect == TKSTRIKE else str.encode
        return [(seconds, cut(text)) for seconds, text in self.lines]


def simulate_match(rng: random.Random, number: str, dialect: str = TKSTRIKE) -> SimulatedMatch:
    """Play one match; the same state of `rng` gives the same match.

    Raises ValueError for a dialect that is neither T nor P.
    """
    return _Play(rng, number, dialect).run()


class _Play(Voice):
    """The match being played."""

    def __init__(self, rng: random.Random, number: str, dialect: str) -> None:
        super().__init__(rng, _invent_story(rng, number), dialect)
        # Why the round ended before its time: "gap", "gam-jeoms" or "".
        self.over = ""
        # Until when the last technique's messages may still come.
        self.busy_until = 0.0

    def run(self) -> SimulatedMatch:
        """Load, rounds and result."""
        withdrawn_at = self.rng.choice((1, 2, 3)) if self.rng.random() < 0.06 else 0
        self.load()
        self.now += self.rng.uniform(6, 14)
        for number in (1, 2, 3):
            if number == withdrawn_at:
                self.story.winner, self.story.decision = self.rng.choice((BLUE, RED)), "WDR"
                break
            if number > 1:
                self.announce_round(number)
            self.play_round(number)
            if self.story.winner:
                break
            self.decide_round(number)
            if max(self.story.rounds_won) == 2:
                self.story.winner = self.story.rounds[-1].winner
                self.story.decision = {"gap": "PTG", "gam-jeoms": "PUN"}.get(self.over, "PTF")
                break
            if number + 1 != withdrawn_at:
                self.rest(number + 1)
        self.now += self.rng.uniform(2, 8)
        self.announce_result()
        self.story.seconds = self.now
        # Sorting is stable: what was scheduled for one moment keeps its order.
        self.lines.sort(key=lambda line: line[0])
        self.objects.lines.sort(key=lambda line: line[0])
        return SimulatedMatch(self.story, tuple(self.lines), self.dialect, tuple(self.objects.lines))

    def announce_round(self, number: int) -> None:
        """The new round's number and the end of the rest, either way round, or the first alone."""
        self.say(Message("rnd", "round", value=number, round=number), within=DISORDER)
        if self.rng.random() < 0.8:
            self.say(Message("brk", "break", value=0, details={"action": "stopEnd"}), within=DISORDER)
        self.now += 3.0

    def play_round(self, number: int) -> None:
        """One round, from the clock's start to its end; may end the match (RSC)."""
        self.story.rounds.append(RoundStory())
        self.remaining = float(self.story.round_seconds)
        self.over = ""
        stopped_by_referee = self.rng.random() < 0.02
        self.say_clock("start")
        while True:
            stretch = min(self.remaining, self.rng.expovariate(1 / 32) + 4)
            self.run_clock(stretch)
            if self.over:
                self.say_clock("stop", within=DISORDER)
                return
            if self.remaining < 0.05:
                self.end_on_time()
                return
            self.say_clock("stop", within=DISORDER)
            if stopped_by_referee:
                self.story.winner, self.story.decision = self.rng.choice((BLUE, RED)), "RSC"
                return
            self.now += self.rng.uniform(0.5, 3)
            self.interrupt()
            if self.over:
                return
            self.now += self.rng.uniform(1, 3)
            if self.rng.random() < 0.06 and self.remaining > 15:
                # The operator sets the clock back to when the action was.
                self.remaining = float(int(self.remaining) - self.rng.randint(1, 5))
                self.say_clock("corr")
                self.now += self.rng.uniform(1, 2)
            self.say_clock("start")

    def run_clock(self, seconds: float) -> None:
        """The clock runs: a tick each second, contacts, and points when they fall."""
        started, before = self.now, self.remaining
        end = started + seconds
        next_hit = started + self.rng.expovariate(1.3)
        next_point = started + 0.5 + self.rng.expovariate(1 / 11)
        tick = int(before) - 1
        while not self.over:
            next_tick = started + (before - (tick + 1)) + 0.001 if tick >= 0 else end
            moment = min(next_hit, next_point, next_tick)
            if moment >= end:
                self.now = end
                break
            self.now = moment
            self.remaining = before - (moment - started)
            if moment == next_tick:
                self.say(Message("clk", "clock", clock_ms=tick * 1000))
                tick -= 1
            elif moment == next_hit:
                self.say_hit(self.rng.choice((BLUE, RED)), self.rng.randint(7, self.story.body_level - 3))
                next_hit += self.rng.expovariate(1.3)
            else:
                if self.rng.random() < 0.1:
                    self.exchange()
                else:
                    self.score_technique()
                # Far enough apart that a late score never stands against a newer one.
                next_point = self.now + 0.5 + self.rng.expovariate(1 / 11)
        self.remaining = max(0.0, before - (self.now - started))

    def end_on_time(self) -> None:
        """The clock reaches zero; a kick in the last instant may be counted after it."""
        self.remaining = 0.0
        self.say(Message("clk", "clock", clock_ms=0, details={"action": "stopEnd"}), within=DISORDER)
        self.say_clock("stop", within=DISORDER)
        if self.rng.random() < 0.15:
            self.now = max(self.now, self.busy_until) + DISORDER
            self.score_technique()

    def exchange(self) -> None:
        """Three techniques at once. The first two overtake each other, so a stale score can come last;
        the third sets it right."""
        for pause in (self.rng.uniform(0.005, 0.02), self.rng.uniform(0.06, 0.12), 0.0):
            self.score_technique(self.rng.choice(("punch", "body", "head")))
            self.now += pause

    def score_technique(self, name: str = "") -> None:
        """A technique scores: its hit, points and scores, in any order within 30 ms."""
        athlete = self.rng.choice((BLUE, RED))
        if not name:
            weights = [weight for _, weight, _ in _TECHNIQUES.values()]
            name = self.rng.choices(list(_TECHNIQUES), weights)[0]
        points, _, felt = _TECHNIQUES[name]
        if felt:
            lowest = self.story.head_level if "head" in name else self.story.body_level
            self.say_hit(
                athlete, self.rng.randint(lowest, lowest + 22), within=DISORDER, is_head="head" in name
            )
        bonus = 0
        if self.dialect == TKSTRIKE:
            # T knows no technical points: it sends the kick, and moves the score by 2 later.
            bonus = 2 if name.startswith("technical") else 0
            name = name.removeprefix("technical_")
            number = points - bonus
        else:
            number = _PUBLISHED_NUMBER[name]
        details = {"points": number, "technique": name}
        self.add(athlete, points - bonus)
        self.say(Message(f"pt{athlete}", "point", athlete, number, details=details), within=DISORDER)
        self.story.points += 1
        self.say_score()
        if bonus:
            self.now += self.rng.uniform(0.15, 0.35)
            self.add(athlete, bonus)
            self.say_score()
            self.objects.say(f"{_SIDES[athlete].upper()}_{name.upper()}_TECH_POINT", self.now)
        self.busy_until = self.now + DISORDER
        current = self.story.rounds[-1]
        if abs(current.blue - current.red) >= _POINT_GAP:
            self.over = "gap"

    def add(self, athlete: int, points: int) -> None:
        """Points to one side of this round."""
        current = self.story.rounds[-1]
        if athlete == BLUE:
            current.blue += points
        else:
            current.red += points

    def interrupt(self) -> None:
        """What the clock was stopped for: gam-jeom, video replay, kye-shi, or nothing to see."""
        what = self.rng.choices(("gam-jeom", "replay", "kye-shi", "nothing"), (45, 20, 10, 25))[0]
        if what == "gam-jeom":
            self.give_gam_jeom()
        elif what == "replay":
            self.replay()
        elif what == "kye-shi":
            self.kye_shi()

    def give_gam_jeom(self) -> None:
        """A gam-jeom, which is a point for the other; the fifth loses the round."""
        current = self.story.rounds[-1]
        athlete = self.rng.choice((BLUE, RED))
        if athlete == BLUE:
            current.blue_gam_jeoms += 1
        else:
            current.red_gam_jeoms += 1
        totals: dict[str, Any] = {"blue": current.blue_gam_jeoms, "red": current.red_gam_jeoms}
        if self.dialect == PUBLISHED and self.rng.random() < 0.3:
            totals[_SIDES[3 - athlete]] = None
        self.say(
            Message(f"wg{1 if totals['blue'] is not None else 2}", "gam_jeom", details=totals),
            within=DISORDER,
        )
        self.add(3 - athlete, 1)
        self.say_score()
        self.objects.say(f"{_SIDES[athlete].upper()}_ADD_GAME_JEON", self.now)
        if max(current.blue_gam_jeoms, current.red_gam_jeoms) >= _MOST_GAM_JEOMS:
            self.over = "gam-jeoms"
        elif abs(current.blue - current.red) >= _POINT_GAP:
            self.over = "gap"

    def replay(self) -> None:
        """A coach asks for video replay; accepted, a head kick is added."""
        athlete = self.rng.choice((BLUE, RED))
        accepted = self.rng.random() < 0.5
        self.story.replays.append((athlete, accepted))
        self.say(Message(f"ch{athlete}", "replay", athlete, details={"state": "opened", "won": None}))
        self.now += self.rng.uniform(5, 12)
        if accepted:
            self.add(athlete, 3)
            self.say_score()
            details: dict[str, Any] = {"points": 3, "technique": "head"}
            self.say(Message(f"pt{athlete}", "point", athlete, 3, details=details), within=DISORDER)
            self.story.points += 1
            current = self.story.rounds[-1]
            if abs(current.blue - current.red) >= _POINT_GAP:
                self.over = "gap"
        won = accepted if self.dialect == PUBLISHED else None
        details = {"state": "accepted" if accepted else "denied", "won": won}
        self.say(Message(f"ch{athlete}", "replay", athlete, details=details), within=DISORDER)
        self.now += DISORDER

    def kye_shi(self) -> None:
        """The doctor looks at an athlete: a minute's clock, hidden when it is over."""
        self.story.kye_shi += 1
        used = self.rng.randint(6, 35)
        self.say(Message("ij0", "injury", value=60_000, details={"action": "show"}), within=DISORDER)
        for second in range(used):
            tick = Message("ij0", "injury", value=(59 - second) * 1000)
            self.say(tick, within=0.002, after=second)
        self.now += used
        hidden = Message("ij0", "injury", value=(60 - used) * 1000, details={"action": "hide"})
        self.say(hidden, within=DISORDER)

    def decide_round(self, number: int) -> None:
        """The round's winner: first the message that does not know it yet, then the operator's word."""
        current = self.story.rounds[-1]
        self.now += DISORDER
        self.say_round_winners()
        self.now += self.rng.uniform(3, 5)
        if self.over == "gam-jeoms":
            current.winner = RED if current.blue_gam_jeoms >= _MOST_GAM_JEOMS else BLUE
        elif current.blue != current.red:
            current.winner = BLUE if current.blue > current.red else RED
        else:
            # Level: decided by superiority, on the operator's word.
            current.winner = self.rng.choice((BLUE, RED))
        self.winners[number - 1] = current.winner
        self.say_round_winners()
        self.objects.say("END_ROUND", self.now)

    def rest(self, number: int) -> None:
        """The rest before round `number`, sometimes cut short by the referee."""
        whole = self.rng.random() < 0.8
        length = int(_REST) if whole else self.rng.randint(15, 40)
        for second in range(length):
            tick = Message("brk", "break", value=int(_REST - 1 - second) * 1000)
            self.say(tick, within=0.004, after=second)
        self.now += length

    def announce_result(self) -> None:
        """The operator confirms: result and winner."""
        blue, red = self.story.rounds_won
        result = {"name": self.story.winner_name, "blue": blue, "red": red, "decision": self.story.decision}
        self.say(Message("wmh", "result", details=result), within=DISORDER)
        winner = {"winner": _SIDES[self.story.winner]}
        self.say(Message("win", "winner", self.story.winner, details=winner), within=DISORDER)
        self.now += DISORDER


def _invent_story(rng: random.Random, number: str) -> MatchStory:
    division, seconds = rng.choice(_DIVISIONS)
    blue, red, referee, *judges = invent_several(rng, 6)
    return MatchStory(
        number=number,
        phase=rng.choice(_PHASES),
        category=rng.choice(_CATEGORIES),
        division=division,
        round_seconds=seconds,
        body_level=rng.choice((18, 20, 21, 24)),
        head_level=5,
        blue=blue,
        red=red,
        referee=referee,
        judges=tuple(judges),
    )
