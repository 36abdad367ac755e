"""The journal against a model: whatever is done to it in whatever order, it holds the same."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ingest.journal import JournalReader, JournalWriter, Position, Record, pack_address, verify

SOURCES = ["127.0.0.1", "10.1.2.3", "fe80::1", "::ffff:9.8.7.6"]

datagrams = st.tuples(
    st.integers(0, 2**62),
    st.integers(1, 65_535),
    st.sampled_from(SOURCES),
    st.integers(0, 65_535),
    st.one_of(st.binary(max_size=40), st.just(b""), st.just(bytes(50)), st.binary(max_size=900)),
)


class JournalModel(RuleBasedStateMachine):
    """A list of records beside a journal with segments so small that they are full all the time."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="journal-model-"))
        self.copies = 0
        self.directory = self.root / "0"
        self.model: list[Record] = []
        self.writer: JournalWriter | None = None
        self.reader = JournalReader(self.directory)
        self.position: Position | None = None
        self.read = 0

    @initialize(size=st.sampled_from([200, 700, 3000]))
    def begin(self, size: int) -> None:
        self.size = size
        self.open()

    def open(self) -> None:
        self.writer = JournalWriter(self.directory, self.size, sync_ms=1)

    @rule(batch=st.lists(datagrams, max_size=12))
    def append(self, batch: list[tuple[int, int, str, int, bytes]]) -> None:
        assert self.writer
        rows = [(ns, port, pack_address(source), sport, data) for ns, port, source, sport, data in batch]
        for ns, port, source, sport, data in batch:
            text = source.removeprefix("::ffff:")
            self.model.append(Record(len(self.model), ns, port, text, sport, data))
        self.writer.append(rows)

    @rule(number=st.integers())
    def note(self, number: int) -> None:
        assert self.writer
        payload = json.dumps({"note": "x", "n": number}, separators=(",", ":")).encode()
        self.writer.note({"note": "x", "n": number}, received_ns=7)
        self.model.append(Record(len(self.model), 7, 0, "", 0, payload))

    @rule()
    def sync(self) -> None:
        assert self.writer
        self.writer.sync()

    @rule()
    def close_and_open(self) -> None:
        assert self.writer
        self.writer.close()
        self.open()

    @rule(forget_tail=st.booleans())
    def be_killed(self, forget_tail: bool) -> None:
        """A copy of the files is what a killed process leaves behind."""
        assert self.writer
        self.copies += 1
        copy = self.root / str(self.copies)
        # The thread may be renaming a file just now; a file that went is not missed.
        shutil.copytree(self.directory, copy, ignore=shutil.ignore_patterns("*.tmp", "*.sha256"))
        self.writer.close()
        self.reader.close()
        if forget_tail:
            (copy / "tail").unlink(missing_ok=True)
        self.directory = copy
        self.reader = JournalReader(copy)
        self.open()

    @rule(limit=st.integers(1, 40))
    def read_some(self, limit: int) -> None:
        records, position = self.reader.read(self.position, limit)
        assert records == self.model[self.read : self.read + limit]
        self.position = position
        self.read += len(records)
        assert position.sequence == self.read

    @rule()
    def count(self) -> None:
        assert self.reader.total() == sum(1 for r in self.model if r.local_port)
        assert self.reader.count_after(self.position) == sum(
            1 for r in self.model[self.read :] if r.local_port
        )

    @rule()
    def reopen_reader(self) -> None:
        self.reader.close()
        self.reader = JournalReader(self.directory)

    @invariant()
    def nothing_is_damaged(self) -> None:
        assert self.reader.bad == 0
        if self.writer:
            assert self.writer.next_sequence == len(self.model)
            assert self.writer.datagrams == sum(1 for r in self.model if r.local_port)

    def teardown(self) -> None:
        if self.writer:
            self.writer.close()
            self.reader.close()
            records, _ = self.reader.read(None, len(self.model) + 1)
            self.reader.close()
            assert records == self.model
            assert verify(self.directory) == []
        shutil.rmtree(self.root, ignore_errors=True)


JournalModel.TestCase.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
test_journal_holds_what_the_model_holds = JournalModel.TestCase
