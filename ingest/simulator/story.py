"""What was played in a simulated match, so that a reader of its datagrams can be checked."""

from dataclasses import dataclass, field

from ingest.simulator.athletes import Person

BLUE, RED = 1, 2


@dataclass(slots=True)
class RoundStory:
    """One round as played: scores and gam-jeoms at its end; winner 0 where it was not decided."""

    blue: int = 0
    red: int = 0
    winner: int = 0
    blue_gam_jeoms: int = 0
    red_gam_jeoms: int = 0


@dataclass(slots=True)
class MatchStory:
    """One match as played. A name on the wire may be cut; these are the whole ones.

    `winner` is 1 blue or 2 red, `decision` PTF, PTG, PUN, RSC or WDR. `rounds` holds those that
    were begun. `replays` are (athlete asking, accepted). `points` counts the points messages.
    """

    number: str
    phase: str
    category: str
    division: str
    round_seconds: int
    body_level: int
    head_level: int
    blue: Person
    red: Person
    referee: Person
    judges: tuple[Person, ...]
    rounds: list[RoundStory] = field(default_factory=list)
    winner: int = 0
    decision: str = ""
    replays: list[tuple[int, bool]] = field(default_factory=list)
    points: int = 0
    kye_shi: int = 0
    seconds: float = 0.0

    @property
    def rounds_won(self) -> tuple[int, int]:
        """Rounds won by blue and red."""
        winners = [number.winner for number in self.rounds]
        return winners.count(BLUE), winners.count(RED)

    @property
    def winner_name(self) -> str:
        """The winner's name as the scoreboard writes it."""
        return (self.blue if self.winner == BLUE else self.red).short

    @property
    def text_is_cut(self) -> bool:
        """TkStrike cuts this match's texts: some of them is not ASCII."""
        people = (self.blue, self.red, self.referee, *self.judges)
        return not (self.phase + self.category + "".join(person.short for person in people)).isascii()
