"""Sends simulated courts in real time, or faster: one thread, each court from its own socket."""

import heapq
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ingest.simulator.court import SimulatedCourt
from ingest.simulator.story import MatchStory
from ingest.simulator.target import SimulatorError, Target, open_socket

_PROGRESS_SECONDS = 30.0


@dataclass(slots=True)
class Report:
    """What was really sent. `refused` counts the times the target said that nobody listens."""

    sent: int = 0
    seconds: float = 0.0
    matches: int = 0
    refused: int = 0
    stopped: bool = False

    @property
    def rate(self) -> float:
        """Datagrams per second."""
        return self.sent / self.seconds if self.seconds else 0.0


def send_live(
    target: Target,
    courts: Sequence[SimulatedCourt],
    speed: float,
    stop: threading.Event,
    tell: Callable[[str], None],
) -> Report:
    """Send every datagram of `courts` at its time, `speed` times as fast, until done or `stop` is set.

    `tell` gets a line when a match begins or ends, and now and then how far it is. Raises
    SimulatorError when the target cannot be reached at all.
    """
    report = Report()
    sockets: dict[tuple[int, bool], socket.socket] = {}
    asked = sum(court.matches for court in courts)
    started = time.monotonic()
    told = started
    try:
        for court in courts:
            # Each output of a scoring system sends from a port of its own, and from one address.
            for is_object in (False, True):
                if court.has_objects if is_object else court.has_text:
                    sockets[court.number, is_object] = open_socket(target, court.number)
        for datagram in heapq.merge(*(court.datagrams() for court in courts), key=lambda d: d.seconds):
            wait = started + datagram.seconds / speed - time.monotonic()
            if (wait > 0 and stop.wait(wait)) or stop.is_set():
                report.stopped = True
                break
            report.refused += send(sockets[datagram.court, datagram.is_object], datagram.payload, target)
            report.sent += 1
            if datagram.begins:
                tell(f"Court {datagram.court}: {_title(datagram.begins)}")
            if datagram.ends:
                report.matches += 1
                tell(f"Court {datagram.court}: {_result(datagram.ends)}")
            now = time.monotonic()
            if asked and now - told >= _PROGRESS_SECONDS:
                told = now
                tell(_progress(report, asked, now - started))
    finally:
        for sock in sockets.values():
            sock.close()
    report.seconds = time.monotonic() - started
    return report


def send(sock: socket.socket, payload: bytes, target: Target) -> int:
    """Send one datagram; returns 1 when the target had refused the one before, else 0."""
    try:
        sock.send(payload)
    except ConnectionRefusedError:
        # The answer to an earlier datagram. Reading it clears it, so this one can go.
        try:
            sock.send(payload)
        except ConnectionRefusedError:
            pass
        except OSError as problem:
            raise SimulatorError(f"cannot send to {target}: {problem.strerror}") from None
        return 1
    except OSError as problem:
        raise SimulatorError(f"cannot send to {target}: {problem.strerror}") from None
    return 0


def _title(story: MatchStory) -> str:
    blue, red = story.blue, story.red
    return (
        f"match {story.number} begins: {blue.short} ({blue.ioc}) blue, {red.short} ({red.ioc}) red, "
        f"{story.category}"
    )


def _result(story: MatchStory) -> str:
    scores = ", ".join(f"{number.blue}-{number.red}" for number in story.rounds) or "not fought"
    blue, red = story.rounds_won
    side = "blue" if story.winner == 1 else "red"
    return f"match {story.number} ends: {side} wins {blue}-{red} {story.decision} ({scores})"


def _progress(report: Report, asked: int, seconds: float) -> str:
    line = f"{report.matches} of {asked} matches played, {report.sent:,} datagrams sent"
    if report.matches:
        left = seconds / report.matches * (asked - report.matches)
        line += f", about {max(1, round(left / 60))} min left"
    return line
