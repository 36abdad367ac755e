"""Simulated courts: whole believable matches, sent as a scoring system sends them. No Django."""

from ingest.simulator.court import CourtDatagram, SimulatedCourt
from ingest.simulator.match import SimulatedMatch, simulate_match
from ingest.simulator.story import MatchStory, RoundStory

__all__ = [
    "CourtDatagram",
    "MatchStory",
    "RoundStory",
    "SimulatedCourt",
    "SimulatedMatch",
    "simulate_match",
]
