"""The watcher as it runs: one thread looks, one for each receiver sends. None of them can hold up another.

`manage.py start` runs it in the process that also restarts the listener's parts, which has nothing else
to do; beside `ingest` and a web server of their own, `manage.py alerts` does.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import DatabaseError, connection
from django.utils import timezone

from events.alerts import outbox, receivers
from events.alerts.evaluate import Evaluator
from events.alerts.lease import Lease
from events.alerts.reading import Reader
from events.models_alerts import Channel

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
#: Receivers are tried this often even when nothing new is there to send.
SEND_EVERY_S = 5.0
PRUNE_EVERY = timedelta(hours=1)


class AlertWork:
    """Begins and ends the threads; `clock` tells the time."""

    def __init__(self, every_s: float = LOOK_EVERY_S, clock: Callable[[], datetime] = timezone.now) -> None:
        self._every_s = every_s
        self._clock = clock
        self._over = threading.Event()
        self._watching = threading.Event()  # that we, and not another process, watch
        self._lease = Lease()
        self._evaluator = Evaluator(Reader())
        self._pruned: datetime | None = None
        self._failing = False
        self._news = {channel: threading.Event() for channel in receivers.configured()}
        self._threads = [
            threading.Thread(target=self._watch, name="alerts", daemon=True),
            *(
                threading.Thread(target=self._send, args=[channel], name=f"alerts {channel}", daemon=True)
                for channel in self._news
            ),
        ]

    def begin(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Tells the threads to end; may be called from a signal handler."""
        self._over.set()
        for news in self._news.values():
            news.set()

    def end(self) -> None:
        """A message that is on its way may still arrive; what has not left waits in the database."""
        self.stop()
        # A receiver that does not answer must not keep the whole from ending.
        for thread in self._threads:
            thread.join(3)

    def wait(self, timeout: float | None = None) -> bool:
        """Until it has been told to end; False after `timeout` seconds."""
        return self._over.wait(timeout)

    def look(self) -> None:
        """One look, if it is ours to look; troubles with the database are told once and waited out."""
        now = self._clock()
        try:
            if not self._lease.hold(now):
                self._watching.clear()
                # What it remembers will be old when its turn comes.
                self._evaluator = Evaluator(Reader())
                return
            self._watching.set()
            if self._evaluator.look(now):
                for news in self._news.values():
                    news.set()
            if self._pruned is None or now - self._pruned > PRUNE_EVERY:
                self._pruned = now
                outbox.prune(now)
            self._failing = False
        except DatabaseError as error:
            if not self._failing:
                log.warning("Alerts cannot be looked for while the database does not answer: %s", error)
            self._failing = True
        except Exception:
            # A mistake in here must not end the watch: the next look may do.
            log.exception("Looking for alerts failed.")

    def _watch(self) -> None:
        while not self._over.wait(self._every_s):
            self.look()
            # Kept open it would hold a place on PostgreSQL all day.
            connection.close()
        try:
            self._lease.release()
        except DatabaseError as error:
            log.debug("The watch ends by itself: %s", error)
        finally:
            connection.close()

    def _send(self, channel: Channel) -> None:
        while not self._over.is_set():
            self._news[channel].wait(SEND_EVERY_S)
            self._news[channel].clear()
            if self._over.is_set() or not self._watching.is_set():
                continue
            try:
                outbox.send_due(channel)
            except DatabaseError as error:
                log.debug("Not sent while the database does not answer: %s", error)
            except Exception:
                log.exception("Sending to the %s failed.", channel.label)
            finally:
                connection.close()
