"""What the kernel drops at the sockets: each loss counted once, across the lives of recorders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ingest.receive import Listener
from ingest.staging import SOCKETS, Staging, W


class Drops:
    """The drop counters of the first 32 sockets, compared with what was reported before.

    A socket that the supervisor holds outlives a recorder and keeps its counter; what the
    recorder before reported stands in the staging file beside the socket's cookie.
    """

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = listeners[:SOCKETS]
        self._reported = [0] * len(self._listeners)

    def begin(self, staging: Staging, boot: str) -> None:
        """Take over what was reported, if it was in this run of the machine."""
        words = staging.words
        known = {}
        if staging.boot == boot:
            pairs = words[W.SOCKETS : W.SOCKETS + 2 * SOCKETS].tolist()
            known = dict(zip(pairs[::2], pairs[1::2], strict=True))
        for number, listener in enumerate(self._listeners):
            # Without a cookie it cannot be told whether this is the same socket.
            drops = known.get(listener.cookie, 0) if listener.cookie else listener.ask_drops()
            self._reported[number] = drops
            words[W.SOCKETS + 2 * number] = listener.cookie
            words[W.SOCKETS + 2 * number + 1] = drops

    def news(self, staging: Staging) -> Iterator[tuple[Listener, int]]:
        """Sockets that dropped datagrams since the last time, and how many.

        It is noted in the staging file only when the caller, having written it in the journal,
        asks for the next: dying in between reports a loss twice rather than not at all.
        """
        words = staging.words
        for number, listener in enumerate(self._listeners):
            drops = listener.ask_drops()
            more = drops - self._reported[number]
            if more > 0:
                yield listener, more
                self._reported[number] = drops
                words[W.SOCKETS + 2 * number + 1] = drops
                words[W.KERNEL_DROPS] += more
