"""The messages of a match, put into words at their moment of time."""

import random
from typing import Any

from ingest.protocol import Message, encode
from ingest.protocol.messages import PUBLISHED, TKSTRIKE
from ingest.simulator.objects import Objects
from ingest.simulator.story import MatchStory, RoundStory

# TkStrike's thread pool: messages of one action come in any order within this many seconds.
DISORDER = 0.03


class Voice:
    """Says what the match is like at `now` (seconds from its first datagram)."""

    def __init__(self, rng: random.Random, story: MatchStory, dialect: str) -> None:
        self.rng = rng
        self.story = story
        self.dialect = dialect
        self.now = 0.0
        # Seconds left on the match clock.
        self.remaining = 0.0
        self.winners = [0, 0, 0]
        self.lines: list[tuple[float, str]] = []
        # Whether the hit being said was meant for the head.
        self.is_head = False
        self.objects = Objects(self)

    def say(self, message: Message, *, within: float = 0.0, after: float = 0.0) -> None:
        """Schedule one message `after` seconds from now, plus a delay of the thread pool."""
        delay = self.rng.uniform(0, within) if within else 0.0
        text = encode(message, self.dialect).decode()
        seconds = round(self.now + after + delay, 4)
        self.lines.append((seconds, text))
        self.objects.follow(message, seconds)

    def say_clock(self, action: str = "", *, within: float = 0.0) -> None:
        """The match clock, as it is shown: whole seconds, rounded down."""
        details = {"action": action} if action else {}
        shown = int(self.remaining) * 1000
        self.say(Message("clk", "clock", clock_ms=shown, details=details), within=within)

    def say_score(self, *, within: float = DISORDER, after: float = 0.0) -> None:
        """This round's score, and the score by round."""
        current = self.story.rounds[-1] if self.story.rounds else RoundStory()
        totals = {"blue": current.blue, "red": current.red}
        if self.dialect == PUBLISHED and self.rng.random() < 0.3:
            for code, side in (("sc1", "blue"), ("sc2", "red")):
                half: dict[str, Any] = {"blue": None, "red": None, side: totals[side]}
                self.say(Message(code, "score", details=half), within=within, after=after)
        else:
            self.say(Message("sc1", "score", details=totals), within=within, after=after)
        played = [*self.story.rounds, *[RoundStory()] * (3 - len(self.story.rounds))]
        by_round = {"blue": [r.blue for r in played], "red": [r.red for r in played]}
        self.say(Message("s11", "round_scores", details=by_round), within=within, after=after)

    def say_round_winners(self) -> None:
        """The round winners as they stand; T always names four rounds."""
        winners = [*self.winners, 0] if self.dialect == TKSTRIKE else list(self.winners)
        self.say(Message("wrd", "round_winners", details={"winners": winners}), within=DISORDER)

    def say_hit(self, athlete: int, level: int, *, within: float = 0.0, is_head: bool = False) -> None:
        """One contact's level."""
        self.is_head = is_head
        self.say(Message(f"hl{athlete}", "hit", athlete, min(level, 98)), within=within)

    def load(self) -> None:
        """The match is put on the court: ten messages within a few ms."""
        story, step = self.story, 0.003
        self.say(Message("pre", "load"))
        self.now += step
        self.say(Message("rnd", "round", value=1, round=1), within=0.002)
        self.remaining = float(story.round_seconds)
        self.say_clock(within=0.004)
        self.say_score(within=0.006)
        self.say(Message("wg1", "gam_jeom", details={"blue": 0, "red": 0}), within=0.006)
        self.now += 2 * step
        details: dict[str, Any] = {
            "number": story.number,
            "phase": story.phase,
            "category": story.category,
            "division": story.division,
            "rounds": 3,
            "round_seconds": story.round_seconds,
            "countdown": "cntDown",
            "internal_id": f"WT-SIM-{story.number}",
            "colors": ["#0000ff", "#FFFFFF", "#ff0000", "#FFFFFF"],
            "body_level": story.body_level,
            "head_level": story.head_level,
        }
        self.say(Message("mch", "match", details=details), within=0.004)
        details = {
            side: {
                "short": person.short,
                "long": person.short if self.dialect == TKSTRIKE else person.long,
                "ioc": person.ioc,
            }
            for side, person in (("blue", story.blue), ("red", story.red))
        }
        self.say(Message("at1", "athletes", details=details), within=0.004)
        officials = [{"name": p.short, "ioc": p.ioc} for p in (story.referee, *story.judges)]
        self.say(
            Message("ref", "referees", details={"referee": officials[0], "judges": officials[1:]}),
            within=0.004,
        )
        self.now += 2 * step
        self.say(Message("rdy", "ready"))
