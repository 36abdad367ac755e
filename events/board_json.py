"""A scoreboard as JSON, so that another process can fold on from where this one stands."""

from __future__ import annotations

from typing import Any, get_type_hints

import msgspec

from events.match_json import Said
from events.match_rules import order_of
from events.match_state import STATE, MatchState, read_fields, read_state
from events.scoreboard import Scoreboard

# By name, so that the JSON of a version that knows more or less of a match is told from ours.
_HINTS = get_type_hints(MatchState)
_State: Any = msgspec.defstruct("_State", [(name, _HINTS[name]) for name in STATE])


class _Told(msgspec.Struct, array_like=True):
    message: Said
    received_ns: int


class _Kept(msgspec.Struct):
    state: _State
    moment_state: _State | None
    moment: list[_Told]
    moment_ns: int
    moment_began_ns: int
    window_ns: int
    pace: int
    fast_ticks: int
    tick_ms: int | None
    tick_ns: int
    json_at: int
    counting: int
    hits: list[int]
    hits_measured: list[int]
    hit_sum: list[int]
    hit_best: list[int]
    points: list[dict[str, int]]
    points_sum: list[int]


# What there is under the same name on a board, after an underscore where it is nobody else's.
_PLAIN = {
    name: name if hasattr(Scoreboard, name) else f"_{name}"
    for name in _Kept.__struct_fields__
    if name not in ("state", "moment", "moment_state")
}
_decode = msgspec.json.Decoder(_Kept).decode


def to_json(board: Scoreboard) -> bytes:
    """All that cards and the fold itself come to; not `previous` and what `linked` is found from."""
    kept = {name: getattr(board, attribute) for name, attribute in _PLAIN.items()}
    moment = board._moment
    kept["state"] = _named(read_state(board))
    kept["moment_state"] = _named(board._moment_state) if moment else None
    kept["moment"] = [
        ([getattr(message, name) for name in Said._fields], received_ns) for _, message, received_ns in moment
    ]
    return msgspec.json.encode(kept)


def from_json(data: bytes | memoryview) -> Scoreboard | None:
    """A board that folds on as the one of `to_json` does; its `version` counts anew.

    None: it is of a version that keeps a match in another way.
    """
    try:
        kept = _decode(data)
    except msgspec.MsgspecError:
        return None
    board = Scoreboard()
    board.restore(msgspec.structs.astuple(kept.state))
    for name, attribute in _PLAIN.items():
        setattr(board, attribute, getattr(kept, name))
    if kept.moment_state is not None:
        board._moment_state = msgspec.structs.astuple(kept.moment_state)
        board._moment = [(order_of(one.message), one.message, one.received_ns) for one in kept.moment]
    board._fields = read_fields(board)
    return board


def _named(state: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(STATE, state, strict=True)) | {"previous": None}
