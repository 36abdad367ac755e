"""What a person is told while everything starts: the address to open, where to send, what runs."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from events.addresses import machine_addresses, targets
from events.models import ListenerNode
from ingest import ledger
from ingest.listen import Address, ListenError, parse_listen
from ingest.listener import journal_directory
from ingest.staging import recorder_state
from restrike.troubles import database_name

#: Longer than this, and the person is told that a part does not come up.
PATIENCE_S = 60
ANY_HOST = {"0.0.0.0", "::"}  # noqa: S104  only compared with


def own_names() -> list[str]:
    """What other machines may call this one."""
    name = socket.gethostname()
    return [*(address for _, address in machine_addresses()), name, f"{name}.local"]


def web_address(text: str) -> Address:
    """`HOST:PORT` or `PORT`, which is of this machine only; raises ListenError."""
    try:
        return parse_listen(text if ":" in text else f"127.0.0.1:{text}")
    except ListenError:
        raise ListenError(f"“{text}” is not an address for the pages. Write --web 127.0.0.1:8000") from None


def url_here(web: Address) -> str:
    """Where this machine itself finds the pages."""
    return f"http://{Address('127.0.0.1' if web.host in ANY_HOST else web.host, web.port)}"


def refuse_port_in_use(address: Address) -> None:
    """ListenError when the pages cannot be served at `address`."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            raise ListenError(
                f"The pages cannot be served at {address}: {error.strerror or error}. "
                "Is reStrike VTA running already? Stop it, or choose another place: --web 127.0.0.1:8001"
            ) from None


def pending_migrations() -> int:
    """How many steps the database is behind this version."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


class Report:
    """Says what is ready, as it gets ready, from a thread of its own."""

    def __init__(self, say: Callable[[str], None], node: str, web: Address, listen: list[Address]) -> None:
        self.say = say
        self.node = node
        self.web = web
        self.listen = listen
        self.url = url_here(web)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="report", daemon=True)

    def begin(self) -> None:
        """Start telling."""
        self._since = time.time()
        self.say("Starting reStrike VTA. Ctrl-C stops it.\n")
        self._thread.start()

    def end(self) -> None:
        """Everything has been stopped."""
        self._over.set()
        self._thread.join(5)
        self.say("\nStopped. Everything received is kept.")

    def _run(self) -> None:
        try:
            self._tell()
        finally:
            connection.close()

    def _tell(self) -> None:
        parts = [
            ("listener", self._listener, "not listening; see the messages above"),
            ("database", self._database, "not storing yet; what comes waits in the journal"),
            ("web", self._web, "not answering; see logs/web.log in RESTRIKE_VAR"),
        ]
        for name, look, otherwise in parts:
            state = self._wait_for(look) or otherwise
            if self._over.is_set():
                return
            self.say(f"  {name:9} {state}")
        self.say(f"\nOpen in a browser:             {self.url}")
        for place in self._other_pages():
            self.say(f"  from other machines:         {place}")
        where = [f"{target.address}  port {target.port}" for target in targets(map(str, self.listen))]
        self.say("Point the scoring system here: " + "\n                               ".join(where))
        self.say("\n" + "\n".join(ledger.read().sentences()))

    def _wait_for(self, look: Callable[[], str | None]) -> str | None:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if state := look():
                return state
            if self._over.wait(0.1):
                break
        return None

    def _listener(self) -> str | None:
        state = recorder_state(journal_directory(self.node))
        if state is None or state.heartbeat_ns / 1e9 < self._since:
            return None
        return f"listening on {', '.join(map(str, self.listen))} (UDP)"

    def _database(self) -> str | None:
        try:
            node = ListenerNode.objects.filter(name=self.node).first()
        except DatabaseError:
            return None
        seen = node and node.importer_seen_at
        return f"storing in {database_name()}" if seen and seen.timestamp() > self._since else None

    def _web(self) -> str | None:
        host = "127.0.0.1" if self.web.host in ANY_HOST else self.web.host
        client = http.client.HTTPConnection(host, self.web.port, timeout=5)
        try:
            client.request("GET", "/")
            client.getresponse()
        except OSError:
            return None
        finally:
            client.close()
        return f"answering on {self.url}"

    def _other_pages(self) -> list[str]:
        if self.web.host not in ANY_HOST:
            return []
        return [f"http://{address}:{self.web.port}" for _, address in machine_addresses()]
