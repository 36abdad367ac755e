"""What a stored message can be: the words shown to people for the values in the database."""

from django.db import models


class Kind(models.TextChoices):
    """The kind of a message; several wire codes can share one (`pt1` and `pt2` are points)."""

    POINT = "point", "Point"
    HIT = "hit", "Hit level"
    GAM_JEOM = "gam_jeom", "Gam-jeom"
    SCORE = "score", "Score"
    ROUND_SCORES = "round_scores", "Score by round"
    ROUND = "round", "Round"
    CLOCK = "clock", "Clock"
    BREAK = "break", "Rest"
    INJURY = "injury", "Injury time"
    TIME_OUT = "time_out", "Para time-out"
    REPLAY = "replay", "Video replay"
    ROUND_WINNERS = "round_winners", "Round winners"
    WINNER = "winner", "Winner"
    RESULT = "result", "Result"
    ATHLETES = "athletes", "Athletes"
    MATCH = "match", "Match"
    REFEREES = "referees", "Referees"
    LOAD = "load", "Match load"
    READY = "ready", "Match ready"
    VIDEO_TIME = "video_time", "Athlete video time"
    CONNECT = "connect", "Connected"
    DISCONNECT = "disconnect", "Disconnected"
    SETTINGS = "settings", "Settings"
    HARDWARE = "hardware", "Hardware test"
    NOTICE = "notice", "Notice"
    # Says once more what the court's other output said, so that it counts as an event and as nothing else.
    ECHO = "echo", "Said twice"
    UNKNOWN = "unknown", "Unknown"


class Status(models.TextChoices):
    """How well a message was understood."""

    RECOGNIZED = "recognized", "Recognized"
    PARTIAL = "partial", "Partial"
    UNKNOWN = "unknown", "Unknown"
    MALFORMED = "malformed", "Malformed"


class Side(models.IntegerChoices):
    """Whom a message is about."""

    NONE = 0, "—"
    BLUE = 1, "Blue"
    RED = 2, "Red"


class Outcome(models.TextChoices):
    """Who won a match."""

    BLUE = "blue", "Blue"
    RED = "red", "Red"
    TIE = "tie", "Tie"


class Dialect(models.TextChoices):
    """How a sender speaks."""

    TKSTRIKE = "T", "TkStrike"
    PUBLISHED = "P", "Published list"
    JSON = "J", "TkStrike, JSON output"
