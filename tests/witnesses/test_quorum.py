"""Which checkpoints have a quorum is asked by today's policy; what was judged under an earlier one stays known."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from appliance.health import Condition
from appliance.health.witness_checks import quorum_finding
from appliance.ledger import LogProofs
from appliance.model.witnesses import WitnessedCheckpoint
from appliance.store import witnesses as store
from appliance.store.ledger import StoredCheckpoint
from appliance.witnesses import WitnessPolicy, parse_policy
from appliance.witnesses.quorum import last_witnessed, status_of
from hsm.note import KeyKind, NoteKey, cosign
from tests.witnesses.log_side import LogSide

PRIVATE = {name: ed25519.Ed25519PrivateKey.generate() for name in "ABC"}
KEYS = {
    name: NoteKey(f"{name.lower()}.example", KeyKind.COSIGNATURE, private.public_key().public_bytes_raw())
    for name, private in PRIVATE.items()
}
MINUTE = timedelta(minutes=1)


def policy(quorum: str, names: str = "ABC") -> WitnessPolicy:
    """Of these witnesses, all by hand; *quorum* is a name, ``none``, or how many of them."""
    lines = [f"witness {name} {KEYS[name].vkey()}" for name in names]
    if quorum.isdigit():
        lines.append(f"group G {quorum} {' '.join(names)}")
    return parse_policy("\n".join([*lines, f"quorum {'G' if quorum.isdigit() else quorum}", ""]).encode())


def cosigned(side: LogSide, rules: WitnessPolicy, checkpoint: StoredCheckpoint, *names: str) -> None:
    """These cosign it, a minute after each other, and their cosignatures are taken over under *rules*."""
    for name in names:
        made = cosign(checkpoint.note, KEYS[name], PRIVATE[name].sign, at=side.clock.at)
        side.submitting(rules).take(made)
        side.clock.pass_time(60)


def size_of(side: LogSide, rules: WitnessPolicy) -> int | None:
    found = side.witnessed(rules)
    return found and found.size


def test_a_stricter_policy_holds_for_what_was_cosigned_before(side: LogSide) -> None:
    lax, strict = policy("1"), policy("2")
    first, second = side.publish(3), side.publish(2)
    cosigned(side, lax, first, "A", "B")
    cosigned(side, lax, second, "A")
    assert (size_of(side, lax), size_of(side, strict)) == (second.size, first.size)
    status = side.database.query(status_of, strict)
    assert (status.size, status.waiting_since is not None) == (first.size, True)
    judged = side.database.query(store.last_judged)
    assert judged is not None and judged.size == second.size
    assert status.earlier == judged  # what was known then
    assert side.database.query(status_of, lax).earlier is None


def test_a_laxer_policy_and_one_that_comes_back(side: LogSide) -> None:
    strict, lax = policy("3"), policy("1")
    first = side.publish(3)
    cosigned(side, strict, first, "A")
    assert side.database.query(store.last_judged) is None
    assert size_of(side, lax) == first.size
    cosigned(side, lax, first, "B", "C")
    assert size_of(side, strict) == first.size


def test_a_witness_that_was_replaced_counts_no_more(side: LogSide) -> None:
    """And neither does one whose key was changed: it is another key in the policy."""
    before, after = policy("2", "AB"), policy("2", "AC")
    first = side.publish(3)
    cosigned(side, before, first, "A", "B")
    assert (size_of(side, before), size_of(side, after)) == (first.size, None)
    second = side.publish(2)
    cosigned(side, after, second, "A", "C")
    assert (size_of(side, before), size_of(side, after)) == (first.size, second.size)


def test_the_quorum_is_dated_by_the_cosignature_that_completed_it(side: LogSide) -> None:
    checkpoint, began = side.publish(3), side.clock.at
    cosigned(side, policy("3"), checkpoint, "A", "B", "C")
    for count in (1, 2, 3):
        expected = WitnessedCheckpoint(checkpoint.size, began + (count - 1) * MINUTE)
        assert side.witnessed(policy(str(count))) == expected
    assert side.witnessed(policy("B")) == WitnessedCheckpoint(checkpoint.size, began + MINUTE)


def test_who_never_cosigned_and_who_is_not_asked(side: LogSide) -> None:
    checkpoint = side.publish(3)
    cosigned(side, policy("1"), checkpoint, "A", "B")
    assert size_of(side, policy("C")) is None
    assert size_of(side, policy("none")) is None
    assert side.database.query(status_of, policy("none")).waiting_since is None


def test_the_newest_with_a_quorum_is_found_below_what_only_some_have_cosigned(side: LogSide) -> None:
    rules, checkpoints = policy("2"), [side.publish(2) for _ in range(6)]
    for checkpoint, names in zip(checkpoints, ("AB", "C", "BC", "A", "B", "A"), strict=True):
        cosigned(side, rules, checkpoint, *names)
    assert size_of(side, rules) == checkpoints[2].size
    for index in range(checkpoints[-1].size):
        found = side.database.query(last_witnessed, rules, above=index)
        covered = index < checkpoints[2].size
        assert (found and found.size) == (checkpoints[2].size if covered else None)


@pytest.mark.parametrize("rules", [policy("1"), policy("2"), policy("3"), policy("A")])
def test_proofs_lead_to_what_has_todays_quorum(side: LogSide, rules: WitnessPolicy) -> None:
    for names in ("ABC", "AB", "A"):
        cosigned(side, policy("1"), side.publish(2), *names)
    newest = side.publish(2)

    def witnessed(tx: store.Transaction, above: int) -> int | None:
        found = last_witnessed(tx, rules, above=above)
        return found and found.size

    proofs = LogProofs(side.database, witnessed)
    for index in range(newest.size):
        found = rules.judge(proofs.proof_file(index).partition(b"\n\n")[2])
        expected = side.database.query(last_witnessed, rules, above=index)
        assert found.is_met is (expected is not None)


def test_after_a_change_nothing_waits_for_longer_than_since_the_last_judgement(side: LogSide) -> None:
    """A policy of new witnesses alone does not make the whole log late: all was as it had to be until then."""
    before, after = policy("A"), policy("B")
    for _ in range(3):
        cosigned(side, before, side.publish(1), "A")
        side.clock.pass_time(86400)
    judged = side.database.query(store.last_judged)
    assert judged is not None
    status = side.database.query(status_of, after)
    assert (status.size, status.waiting_since) == (None, judged.at)
    assert quorum_finding(status, judged.at + 5 * MINUTE).condition is Condition.GOOD
    assert quorum_finding(status, judged.at + 60 * MINUTE).condition is Condition.ATTENTION
