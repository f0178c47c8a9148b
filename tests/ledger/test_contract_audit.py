"""The auditor's view: a whole history is shown to be whole, a damaged one is not; exports carry what proves it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.ledger import LogProofs, Sequencer
from appliance.ledger.audit_trail import AuditEvent, EventKind, append_event
from appliance.ledger.contract_audit import COLUMNS, Audit
from appliance.ledger.disclosure import Audience
from appliance.store.database import Database
from hsm.merkle import leaf_hash
from tests.appliance.contracts.samples import contract
from tests.appliance.store.seeds import person, seeded
from tests.ledger.local_authority import LocalAuthority

WHEN = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
CONTRACT = contract()
OWN = Audience.of_person(person(9))


@dataclass(frozen=True, slots=True)
class Files:
    """A database with a log of its own, and the auditor's eyes on it."""

    database: Database
    sequencer: Sequencer
    audit: Audit

    def tell(self, kind: EventKind, **private: str) -> None:
        with self.database.transaction() as tx:
            append_event(tx, AuditEvent(kind, WHEN, "person-9", CONTRACT.id, {}, private))


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    database, local = seeded(tmp_path / "vermilion.db"), LocalAuthority(tmp_path)
    (tmp_path / "log.vkey").write_text(local.key.vkey(), "ascii")
    yield Files(database, Sequencer(database, local), Audit(database, LogProofs(database), tmp_path / "log.vkey"))
    database.close()


def test_a_whole_history_is_proven_entry_by_entry(files: Files) -> None:
    files.tell(EventKind.CONTRACT_DRAFTED, title="示例合同")
    files.tell(EventKind.CONTRACT_SENT)
    files.sequencer.run_once()
    files.tell(EventKind.CONTRACT_RECALLED, reason="条款有误")
    audited = files.audit.of(CONTRACT.id, OWN)
    assert audited.damage is None
    assert [link.sequence for link in audited.links] == [1, 2, 3]
    assert [link.proven for link in audited.links] == [True, True, False]
    assert [link.previous for link in audited.links] == ["", audited.links[0].hash, audited.links[1].hash]
    assert audited.waiting == 1
    files.sequencer.run_once()
    assert files.audit.of(CONTRACT.id, OWN).waiting == 0


@pytest.mark.parametrize("damage", ["changed", "left out"])
def test_a_damaged_one_says_so(files: Files, damage: str) -> None:
    for kind in (EventKind.CONTRACT_DRAFTED, EventKind.CONTRACT_SENT, EventKind.CONTRACT_RECALLED):
        files.tell(kind)
    files.sequencer.run_once()
    with files.database.transaction() as tx:  # as root would, past the triggers
        for (name,) in tx.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            tx.execute(f'DROP TRIGGER "{name}"')
        if damage == "changed":
            other = "CAST(replace(leaf, 'person-9', 'person-8') AS BLOB)"
            tx.execute(f"UPDATE ledger SET leaf = {other} WHERE number = 1")  # noqa: S608 -- a literal
        else:
            tx.execute("DELETE FROM contract_events WHERE entry = 1")
    audited = files.audit.of(CONTRACT.id, OWN)
    assert audited.damage is not None
    assert not any(link.proven for link in audited.links)


def test_the_json_can_be_checked_without_us(files: Files) -> None:
    files.tell(EventKind.CONTRACT_DRAFTED, title="示例合同")
    files.sequencer.run_once()
    files.tell(EventKind.CONTRACT_SENT)
    said = json.loads(files.audit.to_json(CONTRACT, OWN))
    first, second = said["entries"]
    assert first["proof"].endswith(said["checkpoint"])
    assert first["opening"]["title"]["value"] == "示例合同"
    assert second["proof"] is None
    leaf = first["leaf"].encode()
    assert hashlib.sha256(b"\0" + leaf).digest() == leaf_hash(leaf)
    assert json.loads(second["leaf"])["public"]["previous"] == leaf_hash(leaf).hex()


def test_the_table_opens_in_a_spreadsheet_and_computes_nothing(files: Files) -> None:
    files.tell(EventKind.CONTRACT_DRAFTED, title="示例合同")
    files.tell(EventKind.CONTRACT_RECALLED, reason='=HYPERLINK("http://x")', location="=1+1")
    files.sequencer.run_once()
    text = files.audit.to_csv(CONTRACT.id, OWN, str, yes_no=("yes", "not yet")).decode("utf-8-sig")
    head, first, second = csv.reader(io.StringIO(text))
    assert head == list(COLUMNS)
    assert first[:4] == ["0", "1", "2026-11-25T08:00:00Z", "Contract drafted"]
    assert first[-1] == "yes"
    assert "示例合同" in first[5]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in second)


def test_checkpoints_come_newest_first_in_pages(files: Files) -> None:
    for _ in range(3):
        files.tell(EventKind.CONTRACT_REVISED)
        files.sequencer.run_once()
    sizes = [each.size for each in files.audit.checkpoints()]
    assert sizes == sorted(sizes, reverse=True)
    assert [each.size for each in files.audit.checkpoints(before=sizes[0])] == sizes[1:]
