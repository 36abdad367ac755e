"""TkStrike's JSON output of a simulated match: what the text output says, as objects, and what it hides."""

from typing import TYPE_CHECKING, Any

from ingest.protocol import Message, encode
from ingest.protocol.jsons import EVENTS
from ingest.protocol.messages import JSON, JSON_STREAM
from ingest.simulator.story import RoundStory

if TYPE_CHECKING:
    from ingest.simulator.voice import Voice

# An object follows the text of the same action after some ms.
_LATER = 0.003
# The sender's own clock in the first match; an hour for each match keeps them apart.
_BEGAN_MS = 1_760_000_000_000
_SIDES = ("", "BLUE", "RED")
_REPLAYS = {"opened": "REQUEST", "accepted": "QUOTA_ACCEPTED", "denied": "QUOTA_CHANGED"}
_TECHNIQUES = {
    "punch": "PUNCH",
    "body": "BODY",
    "head": "HEAD",
    "technical_body": "BODY_TECH",
    "technical_head": "HEAD_TECH",
}


class Objects:
    """Collects `lines`: (seconds, object)."""

    def __init__(self, voice: "Voice") -> None:
        self.voice = voice
        self.lines: list[tuple[float, bytes]] = []
        number = "".join(filter(str.isdecimal, voice.story.number))[-6:]
        self._began_ms = _BEGAN_MS + int(number or 0) * 3_600_000
        self._last_ms = 0

    def follow(self, message: Message, seconds: float) -> None:
        """Says what `message` of the text output says, where the JSON output has a word for it."""
        voice = self.voice
        kind, side = message.kind, _SIDES[message.athlete]
        action = message.details.get("action")
        if kind == "point":
            self.say(f"{side}_{_TECHNIQUES[message.details['technique']]}_POINT", seconds)
        elif kind == "hit":
            target = "HEAD" if (message.value or 0) < voice.story.body_level and voice.is_head else "BODY"
            self.say(f"{side}_{target}_HIT", seconds, value=message.value)
        elif kind == "clock" and action is None:
            # Text shows whole seconds; the object still has nearly all of this one.
            if voice.story.rounds:
                self.say("ROUNDCOUNTDOWN_CHANGE", seconds, clock_ms=(message.clock_ms or 0) + 999)
        elif kind == "clock" and action == "start":
            begins = voice.remaining == voice.story.round_seconds
            self.say("START_ROUND" if begins else "RESUME", seconds)
        elif kind == "clock" and action == "stop" and voice.remaining:
            self.say("TIMEOUT", seconds)
        elif kind == "round":
            self.say("MOVE_TO_NEXT_ROUND", seconds, number=message.value)
        elif kind == "injury":
            if action == "hide":
                self.say("TIMEOUT", seconds)
            elif action == "show":
                self.say("KYE_SHI", seconds)
            else:
                self.say("KYESHI_CHANGE", seconds, value=(message.value or 0) + 999)
        elif kind == "replay":
            self.say(f"{side}_VIDEO_{_REPLAYS[message.details['state']]}", seconds)
        elif kind == "result":
            self.say("MATCH_FINISHED", seconds)

    def say(
        self,
        name: str,
        seconds: float,
        *,
        number: int | None = None,
        value: int | None = None,
        clock_ms: int | None = None,
    ) -> None:
        """One object, with how the match stands now."""
        voice, story = self.voice, self.voice.story
        kind, athlete, fixed = EVENTS[name]
        number = number or max(len(story.rounds), 1)
        current = story.rounds[number - 1] if number <= len(story.rounds) else RoundStory()
        self._last_ms = max(round(voice.now * 1000), self._last_ms + 1)
        remaining = voice.remaining if current in story.rounds else story.round_seconds
        details: dict[str, Any] = {
            "event": name,
            "at": self._began_ms + self._last_ms,
            "match": {
                "number": story.number,
                "internal_id": f"WT-SIM-{story.number}",
                "ring": "1",
                "category": story.category,
                "gender": None,
                "division": story.division,
            },
            "score": [current.blue, current.red],
            "gam_jeoms": [current.blue_gam_jeoms, current.red_gam_jeoms],
            "rounds_won": list(story.rounds_won),
            **fixed,
        }
        if kind == "result":
            winner = _SIDES[story.winner].lower()
            details |= {"winner": winner, "decision": story.decision}
        shown_ms = round(remaining * 1000) if clock_ms is None else clock_ms
        told = Message(JSON_STREAM, kind, athlete, value, number, shown_ms, details)
        self.lines.append((round(seconds + _LATER, 4), encode(told, JSON)))
