"""Does what is sent here arrive: addresses, listener, test datagram, receive buffer."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.utils import timezone

from events.addresses import targets
from events.models import ListenerNode
from events.situation import RETIRED
from ingest import ledger
from ingest.ledger import NodeLedger
from ingest.listen import ListenError, open_sockets
from ingest.listener import journal_directory
from ingest.recorder import SMALL_BUFFER
from ingest.selftest import Outcome, try_out
from ingest.staging import recorder_state
from restrike.preflight.line import Line, bad, good, unknown

_START = "Start it with “make run”, or “manage.py start”."
#: How long a test datagram may take into the journal, and then again into the database.
PATIENCE_S = 3.0


def nodes_in_use() -> list[NodeLedger]:
    """The listeners, without those that were taken away long ago."""
    nodes = ledger.read().nodes
    seen = dict(ListenerNode.objects.values_list("name", "recorder_seen_at"))
    retired = timezone.now() - RETIRED
    someone = any(node.recording for node in nodes)
    return [
        node for node in nodes if node.recording or not someone or (seen.get(node.name) or retired) > retired
    ]


def addresses(nodes: list[NodeLedger]) -> Line:
    key, title = "addresses", "Network address and port"
    listening = [address for node in nodes if node.recording for address in node.listen]
    where = targets(listening or settings.INGEST_LISTEN)
    if not where:
        return bad(
            key,
            title,
            "This machine has no network address that is in use.",
            "Plug in the network cable, or connect to the hall’s network.",
        )
    places = ", ".join(
        f"{target.address} port {target.port}" + (f" ({target.network})" if target.network else "")
        for target in where
    )
    if all(target.local_only for target in where) and not settings.DEMO:
        return bad(
            key,
            title,
            f"Only programs on this machine can send here: {places}.",
            f"Plug in the network cable; and if INGEST_LISTEN is set, set it to 0.0.0.0:{where[0].port} "
            "and start again.",
        )
    return good(key, title, f"Scoring systems can send to {places}.")


def listener(nodes: list[NodeLedger], *, trial: bool) -> list[Line]:
    """One line for each listener; with `trial`, where none runs, also whether its port is free."""
    if not any(node.recording for node in nodes):
        if trial and (trouble := _port_trouble()):
            says, _, mend = trouble.partition(". ")
            return [
                bad("listener", "Listener", f"Nothing is recording. {says}.", mend or "Choose another port.")
            ]
        return [bad("listener", "Listener", "Nothing is recording.", _START)]
    return [_listener(node, _title("Listener", node, nodes)) for node in nodes]


def test_datagrams(nodes: list[NodeLedger], *, trial: bool) -> list[Line]:
    """Sends one to every address that is listened on, and follows it into the database."""
    key, title = "datagram", "Test datagram"
    recording = [node for node in nodes if node.recording]
    if not recording:
        return [
            bad(key, title, "Not sent: nothing is listening.", "Start the listener, then run this again.")
        ]
    if not trial:
        return [unknown(key, title, "Sent when you run the pre-flight.")]
    lines = []
    for node in recording:
        name = _title(title, node, nodes)
        directory = journal_directory(node.name)
        if recorder_state(directory) is None:
            says = f"Listener “{node.name}” is on another machine."
            lines.append(unknown(key, name, says, "Run the pre-flight there, too: manage.py preflight"))
            continue
        for address in node.listen:
            lines.append(_tried(name, node, try_out(address, directory, _is_stored(node.name), PATIENCE_S)))
    return lines


def receive_buffer(nodes: list[NodeLedger]) -> Line:
    key, title = "buffer", "Receive buffer"
    sizes = [node.receive_buffer for node in nodes if node.recording and node.receive_buffer]
    if not sizes:
        return unknown(key, title, "Known when the listener runs.")
    size = f"{min(sizes) / 1e6:,.1f} MB"
    if min(sizes) < SMALL_BUFFER:
        return bad(
            key,
            title,
            f"The system keeps only {size} for datagrams that wait: a burst from many courts may be lost.",
            "On Linux run “sudo sysctl -w net.core.rmem_max=268435456”, then stop and start reStrike VTA.",
        )
    return good(key, title, f"The system keeps up to {size} of datagrams while we are busy.")


def _listener(node: NodeLedger, title: str) -> Line:
    where = ", ".join(node.listen)
    if not node.recording:
        return bad("listener", title, "Nothing is recording.", _START)
    if node.trouble:
        mend = "Make room on the disk and see that it can be written. What comes is held until then."
        return bad("listener", title, f"It hears {where}, but: {node.trouble}", mend)
    if not node.importing:
        return bad(
            "listener",
            title,
            f"Recording on {where}, but nothing gets into the database; {node.backlog:,} datagrams wait.",
            "Look into logs/import_journal.log in RESTRIKE_VAR, then stop and start reStrike VTA. "
            "Nothing is lost meanwhile.",
        )
    waiting = f"; on their way: {node.backlog:,}" if node.backlog else ""
    return good("listener", title, f"Recording on {where} and storing in the database{waiting}.")


def _tried(title: str, node: NodeLedger, outcome: Outcome) -> Line:
    key = "datagram"
    if outcome.trouble:
        says = f"This machine cannot send to {outcome.address} itself ({outcome.trouble})."
        return unknown(key, title, says, "Press something on a scoring system and watch the page Live.")
    if not outcome.recorded:
        return bad(
            key,
            title,
            f"What was sent to {outcome.address} did not arrive within {PATIENCE_S:g} s.",
            "Stop reStrike VTA and start it again. If this stays, another program or a firewall of this "
            "machine takes what is sent to that port: close it, or let UDP in.",
        )
    if not outcome.stored:
        return bad(
            key,
            title,
            f"What was sent to {outcome.address} is recorded, but did not get into the database within "
            f"{PATIENCE_S:g} s.",
            "Nothing is lost. Close other programs that use the database, then stop and start reStrike VTA; "
            "logs/import_journal.log in RESTRIKE_VAR says more.",
        )
    return good(
        key, title, f"Sent to {outcome.address}, recorded and taken note of in {outcome.took_ms:,.0f} ms."
    )


def _is_stored(name: str) -> Callable[[int], bool]:
    def is_stored(sequence: int) -> bool:
        return ListenerNode.objects.filter(name=name, sequence__gt=sequence).exists()

    return is_stored


def _port_trouble() -> str:
    """Why the port could not be listened on, in a sentence and what to do; '' when it could."""
    try:
        for one in open_sockets(settings.INGEST_LISTEN):
            one.close()
    except ListenError as error:
        return str(error)
    return ""


def _title(title: str, node: NodeLedger, nodes: list[NodeLedger]) -> str:
    return f"{title} “{node.name}”" if len(nodes) > 1 else title
