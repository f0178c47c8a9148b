"""What health says of outside witnesses: silent, refusing, forked, and the age of the last quorum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from appliance.config import Settings, WitnessSettings
from appliance.health import Condition, RunbookPage
from appliance.health.figures import measure_witnesses
from appliance.health.witness_checks import LONG, PATIENCE, quorum, quorum_finding, witnesses
from appliance.home import Home
from appliance.model.witnesses import WitnessesStatus, WitnessProblem
from appliance.store import witnesses as store
from appliance.store.database import Database
from appliance.store.witnesses import WitnessState
from hsm.note import KeyKind, NoteKey
from tests.health.asked import asked

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
KEYS = [
    NoteKey(
        f"w{number}.example",
        KeyKind.COSIGNATURE,
        ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw(),
    )
    for number in range(2)
]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "vermilion.db")
    yield opened
    opened.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "config").mkdir()
    lines = [f"witness w{number} {key.vkey()} https://{key.name}" for number, key in enumerate(KEYS)]
    text = "\n".join([*lines, "group both all w0 w1", "quorum both", ""])
    (tmp_path / "config/witness-policy.txt").write_text(text, encoding="utf-8")
    return Settings(Home(tmp_path), witnesses=WitnessSettings("witness-policy.txt"))


def save(database: Database, number: int, problem: WitnessProblem | None, *, since: datetime = NOON) -> None:
    state = WitnessState(KEYS[number].vkey(), 7, NOON, NOON, problem, "Said so.", since if problem else None, 3, 2)
    database.commit(store.save_state, state)


def test_nobody_asks_where_there_are_none(database: Database, tmp_path: Path) -> None:
    context = asked(NOON, database, configured=lambda: Settings(Home(tmp_path)))
    assert witnesses(context).condition is Condition.NOT_CONFIGURED
    assert quorum(context) is None
    assert list(measure_witnesses(context)) == []


@pytest.mark.parametrize(
    ("problem", "page", "condition"),
    [
        (WitnessProblem.FORKED, RunbookPage.LOG_FORKED, Condition.FAILING),
        (WitnessProblem.UNKNOWN_LOG, RunbookPage.WITNESS_REFUSES, Condition.ATTENTION),
        (WitnessProblem.NOT_SIGNED, RunbookPage.WITNESS_REFUSES, Condition.ATTENTION),
        (WitnessProblem.BAD_ANSWER, RunbookPage.WITNESS_REFUSES, Condition.ATTENTION),
        (WitnessProblem.REFUSED, RunbookPage.WITNESS_REFUSES, Condition.ATTENTION),
    ],
)
def test_a_refusal_is_told_at_once(
    database: Database, settings: Settings, problem: WitnessProblem, page: RunbookPage, condition: Condition
) -> None:
    context = asked(NOON, database, configured=lambda: settings)
    save(database, 0, None)
    assert witnesses(context).condition is Condition.GOOD
    save(database, 1, problem)
    found = witnesses(context)
    assert (found.condition, found.page) == (condition, page)
    assert "w1.example" in str(found) and "Said so." in str(found) and str(found.remedy)
    figures = dict(measure_witnesses(context))
    assert figures['vermilion_witness_well{witness="w0.example"}'] == 1
    assert figures['vermilion_witness_well{witness="w1.example"}'] == 0
    assert figures['vermilion_witness_refusals_total{witness="w1.example"}'] == 2


def test_a_fork_counts_before_everything_else(database: Database, settings: Settings) -> None:
    save(database, 0, WitnessProblem.FORKED)
    save(database, 1, WitnessProblem.UNREACHABLE, since=NOON - timedelta(days=3))
    assert witnesses(asked(NOON, database, configured=lambda: settings)).page is RunbookPage.LOG_FORKED


def test_silence_is_told_after_a_while(database: Database, settings: Settings) -> None:
    save(database, 0, WitnessProblem.UNREACHABLE)
    for now, condition in ((NOON + PATIENCE, Condition.GOOD), (NOON + 2 * PATIENCE, Condition.ATTENTION)):
        assert witnesses(asked(now, database, configured=lambda: settings)).condition is condition


def test_a_quorum_grows_old_only_while_something_waits() -> None:
    status = WitnessesStatus(True, (), 7, NOON, None)
    assert quorum_finding(status, NOON + 9 * LONG).condition is Condition.GOOD
    waiting = replace(status, waiting_since=NOON)
    assert quorum_finding(waiting, NOON + PATIENCE).condition is Condition.GOOD
    late = quorum_finding(waiting, NOON + 2 * PATIENCE)
    assert (late.condition, late.page) == (Condition.ATTENTION, RunbookPage.QUORUM_MISSING)
    assert quorum_finding(waiting, NOON + 2 * LONG).condition is Condition.FAILING
    assert quorum_finding(waiting, NOON + 2 * LONG, during_maintenance=True).condition is Condition.GOOD
    assert quorum_finding(waiting, NOON + 2 * LONG, by_hand=True).condition is Condition.GOOD


def test_a_policy_of_another_log_needs_attention(database: Database, settings: Settings) -> None:
    """Nobody is asked, and so nobody refuses: it must not look well."""
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    ours, other = (NoteKey.from_public_key(name, public) for name in ("log.jia.example", "log.yi.example"))
    settings.home.log_key.parent.mkdir(parents=True, exist_ok=True)
    settings.home.log_key.write_text(ours.vkey() + "\n", encoding="ascii")
    policy = settings.beside("witness-policy.txt")
    for log, condition in ((ours, Condition.GOOD), (other, Condition.ATTENTION)):
        policy.write_text(f"log {log.vkey()}\nquorum none\n", encoding="ascii")
        assert witnesses(asked(NOON, database, configured=lambda: settings)).condition is condition
