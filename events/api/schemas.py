"""What answers look like. Times are ISO 8601 in UTC, to the microsecond; in cards, ms since 1970."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from ninja import Schema
from pydantic import Field

Side = Literal["blue", "red"]
Status = Literal["planned", "running", "finished"]
_NEXT = Field(description="Cursor of the page that follows; null on the last one.")


class Day(Schema):
    id: int
    tournament: int = Field(description="Its id.")
    number: int
    date: date
    status: Status


class Days(Schema):
    items: list[Day]
    next: str | None = _NEXT


class Tournament(Schema):
    id: int
    name: str
    slug: str
    city: str
    country: str = Field(description="IOC code, or empty.")
    venue: str
    start_date: date
    end_date: date
    time_zone: str = Field(description="As Europe/Berlin.")
    status: Status


class TournamentWithDays(Tournament):
    days: list[Day]


class Tournaments(Schema):
    items: list[Tournament]
    next: str | None = _NEXT


class Court(Schema):
    id: int
    number: int
    name: str
    active: bool


class Courts(Schema):
    items: list[Court]
    next: str | None = _NEXT


class Athlete(Schema):
    id: int
    name: str = Field(description="As the scoring system wrote it.")
    short_name: str
    country: str = Field(description="IOC code, or empty.")


class Athletes(Schema):
    items: list[Athlete]
    next: str | None = _NEXT


class AthleteStatistics(Schema):
    """Over matches that were begun or decided. Shares and averages are null where nothing was counted."""

    athlete: int
    tournament: int | None = Field(description="The one asked for; null: across all.")
    matches: int
    wins: int
    losses: int
    ties: int
    without_result: int
    fought: int = Field(description="With a fight: not those withdrawn before.")
    win_rate: float | None = Field(description="Of the decided ones, 0 to 1.")
    rounds: int
    rounds_won: int
    rounds_lost: int
    points_for: int
    points_against: int
    points_for_a_match: float | None
    points_against_a_match: float | None
    points_for_a_round: float | None
    points_against_a_round: float | None
    gam_jeoms: int
    replays: int
    replays_won: int
    replays_lost: int
    hits: int
    hit_average: float | None = Field(description="Without the levels that judges give.")
    hit_best: int
    hits_for_a_point: float | None
    techniques: dict[str, int] = Field(description="How often points were given for what.")
    won_by: dict[str, int] = Field(description="Decision, as PTF: how often.")
    lost_by: dict[str, int]


class Round(Schema):
    number: int
    blue: int | None
    red: int | None
    winner: Side | None
    gam_jeoms_blue: int
    gam_jeoms_red: int


class Official(Schema):
    name: str | None = None
    ioc: str | None = None


class Officials(Schema):
    referee: Official | None = None
    judges: list[Official | None] = []


class Replay(Schema):
    side: Side | None = Field(description="Who asked; null: the referee.")
    round: int | None
    clock_ms: int | None
    state: str = Field(description="opened, accepted, denied or closed.")
    won: bool | None


class Stoppage(Schema):
    side: Side | None
    round: int | None
    clock_ms: int | None
    seconds: float | None = Field(description="How long it was; null while it lasts.")


class Match(Schema):
    id: int
    tournament: int | None
    day: int | None
    court: int | None
    number: str = Field(description="Text: `101`, `245.A`.")
    phase: str
    category: str
    division: str
    blue: Athlete | None
    red: Athlete | None
    state: Literal["loaded", "running", "done", "no result"]
    rounds: list[Round]
    rounds_won_blue: int
    rounds_won_red: int
    winner: Literal["blue", "red", "tie"] | None
    decision: str = Field(description="Code, as PTF; empty while not told.")
    loaded_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class MatchWithMore(Match):
    rounds_planned: int | None
    round_seconds: int | None
    body_level: int | None = Field(description="Hit level that is needed for a point to the body.")
    head_level: int | None
    officials: Officials
    replays: list[Replay]
    injuries: list[Stoppage]
    time_outs: list[Stoppage]


class Matches(Schema):
    items: list[Match]
    next: str | None = _NEXT


class Event(Schema):
    id: int
    received_at: datetime = Field(description="When the kernel received it: our clock.")
    tournament: int | None
    day: int | None
    court: int | None
    match: int | None
    session: int = Field(description="The sender; with `sequence` unique.")
    sequence: int
    code: str = Field(description="As on the wire: `pt1`.")
    kind: str
    athlete: Side | None
    value: int | None
    round: int | None
    clock_ms: int | None = Field(description="What the scoring system’s clock showed: theirs.")
    details: dict[str, Any]
    words: str = Field(description="What happened, for people.")
    raw: str = Field(description="The message as it came; bytes that are no text are escaped as `\\xff`.")
    status: Literal["recognized", "partial", "unknown", "malformed"]
    error: str
    processing_ms: float = Field(description="From received until stored.")
    archived: bool


class Events(Schema):
    items: list[Event]
    next: str | None = Field(
        description="Cursor of the page that follows. A page may be short, or empty, and still have one."
    )


class CardSide(Schema):
    name: str
    short: str
    ioc: str
    score: int
    rounds_won: int
    gam_jeoms: int
    hits: int
    best_hit: int


class CardClock(Schema):
    ms: int | None
    running: bool
    at: int | None = Field(description="When it was told, ms since 1970.")


class CardStoppage(Schema):
    side: int
    ms: int | None
    at: int | None


class CardReplay(Schema):
    side: int
    round: int | None
    clock_ms: int | None


class Card(Schema):
    """What a court’s scoreboard shows. Moments are milliseconds since 1970, sides 0 none, 1 blue, 2 red."""

    serial: int = Field(description="Rises with each match that is loaded.")
    number: str
    phase: str
    category: str
    division: str
    rounds_planned: int | None
    round_seconds: int | None
    body_level: int | None
    head_level: int | None
    blue: CardSide
    red: CardSide
    round: int | None
    golden: bool
    rounds: list[list[int]] = Field(description="By round: blue’s score, red’s score, winner.")
    clock_ms: int | None
    clock_running: bool
    clock_at: int | None = Field(description="When `clock_ms` was told.")
    rest: CardClock | None
    injury: CardStoppage | None
    time_out: CardStoppage | None
    replay: CardReplay | None = Field(description="A video replay that waits for its answer.")
    winner: str
    decision: str
    loaded_at: int | None
    started_at: int | None
    ended_at: int | None
    problems: list[str]
    match: int | None = Field(description="Id of the match.")
    day: int | None
    tournament: int | None
    heard: int | None = Field(description="When the last message of this court was received.")


class LiveCourt(Court):
    card: Card | None = Field(description="null: nothing was heard from this court yet.")


class Live(Schema):
    now: int = Field(
        description="The server’s clock, ms since 1970: what clocks and `heard` are held against."
    )
    courts: list[LiveCourt]


class PlayedAgain(Schema):
    """A match or a recorded file that is being played again. Times are milliseconds of what is played."""

    id: int
    name: str
    replay: Literal[True] = Field(True, description="So that nobody takes it for what is live.")
    position: int
    duration: int
    speed: int
    paused: bool


class Replays(Schema):
    items: list[PlayedAgain]


class ReplayedCourt(Schema):
    id: int | None = Field(description="null: a sender of a file, numbered as they appear in it.")
    number: int
    name: str
    card: Card


class ReplayState(PlayedAgain):
    now: int = Field(description="The server’s clock, ms since 1970: what clocks are held against.")
    courts: list[ReplayedCourt]
