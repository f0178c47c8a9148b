"""Packages whose checkpoint outside witnesses have cosigned: what is said of them, and who may demand a quorum."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from appliance.confinement.pool import Confinement
from appliance.evidence import log_files
from appliance.evidence.model import EvidenceInput
from appliance.evidence.package import build
from appliance.evidence.repacked import read_zip
from appliance.evidence.verification import verify_package
from appliance.evidence.witnessing import WitnessDemand
from appliance.verification import Indication, VerificationReport, Verifier
from appliance.witnesses import parse_policy
from hsm.note import KeyKind, NoteKey, cosign, parse_vkey
from tests.evidence import contract
from tests.evidence.authority import TestAuthority
from tests.evidence.resealing import repacked, resealed
from tests.evidence.test_checkers import CHECKERS, check
from tests.evidence.unpacked import unpack

PRIVATE = [ed25519.Ed25519PrivateKey.generate() for _ in range(2)]
KEYS = [
    NoteKey(f"w{number}.example", KeyKind.COSIGNATURE, each.public_key().public_bytes_raw())
    for number, each in enumerate(PRIVATE)
]


def policy_text(log: NoteKey, least: str = "any") -> bytes:
    lines = [f"log {log.vkey()}", *(f"witness {each.name} {each.vkey()}" for each in KEYS)]
    names = " ".join(each.name for each in KEYS)
    return "\n".join([*lines, f"group both {least} {names}", "quorum both", ""]).encode()


def witnessed(evidence: EvidenceInput, authority: TestAuthority, policy: bytes) -> EvidenceInput:
    """The same with the cosignature of the first witness, in the checkpoint and in all proofs."""
    note = cosign(evidence.log.checkpoint, KEYS[0], PRIVATE[0].sign, at=authority.now)
    entries = tuple(
        replace(each, proof=each.proof.removesuffix(evidence.log.checkpoint) + note)
        for each in evidence.log.entries
    )
    return replace(evidence, log=replace(evidence.log, checkpoint=note, entries=entries, policy=policy))


@pytest.fixture(scope="module")
def log(evidence: EvidenceInput) -> NoteKey:
    return parse_vkey(evidence.log.vkey)


@pytest.fixture(scope="module")
def cosigned(authority: TestAuthority, evidence: EvidenceInput, log: NoteKey) -> bytes:
    return build(witnessed(evidence, authority, policy_text(log)), contract.seals(authority))


class Judge:
    def __init__(self, confinement: Confinement, authority: TestAuthority) -> None:
        self._confinement, self._authority = confinement, authority

    def __call__(self, package: bytes, demand: WitnessDemand | None = None) -> VerificationReport:
        verifier = Verifier(
            self._confinement,
            [self._authority.root.certificate],
            evidence=partial(verify_package, witnesses=demand),
            clock=lambda: self._authority.now,
        )
        return verifier.verify(package)


@pytest.fixture
def judge(confinement: Confinement, authority: TestAuthority) -> Judge:
    return Judge(confinement, authority)


def said(report: VerificationReport) -> str:
    return " ".join(str(each) for each in report.remarks)


def test_a_package_says_who_cosigned_by_its_own_policy(judge: Judge, cosigned: bytes) -> None:
    report = judge(cosigned)
    assert report.indication is Indication.PASSED
    assert "1 of 2 (w0.example); its quorum is met. Whom the policy names is the word of the portal" in said(
        report
    )


def test_without_a_policy_nothing_is_said(judge: Judge, package: bytes) -> None:
    assert "witness" not in said(judge(package))


@pytest.mark.parametrize("demanded", [True, False])
def test_a_quorum_is_demanded_by_whoever_verifies_alone(
    judge: Judge, cosigned: bytes, package: bytes, log: NoteKey, demanded: bool
) -> None:
    enough, all_of_them = parse_policy(policy_text(log)), parse_policy(policy_text(log, "all"))
    met = judge(cosigned, WitnessDemand(enough, demanded))
    assert met.indication is Indication.PASSED
    assert "By your policy" in said(met) and "By the policy in the package" not in said(met)
    for each, policy in ((cosigned, all_of_them), (package, enough)):
        report = judge(each, WitnessDemand(policy, demanded))
        assert report.indication is (Indication.INDETERMINATE if demanded else Indication.PASSED)
        reasons = " ".join(str(one) for row in report.signatures for one in row.verdict.reasons)
        assert "its quorum is not met" in (reasons if demanded else said(report))


def test_the_policy_of_another_log_is_not_met(judge: Judge, cosigned: bytes) -> None:
    other = NoteKey("log.yi.example", KeyKind.ED25519, PRIVATE[1].public_key().public_bytes_raw())
    report = judge(cosigned, WitnessDemand(parse_policy(policy_text(other)), demanded=True))
    assert report.indication is Indication.INDETERMINATE


def test_a_policy_that_asks_for_nobody_is_never_said_to_be_met(
    judge: Judge, package: bytes, authority: TestAuthority
) -> None:
    """“0 of 0; its quorum is met” would be read as a confirmation."""
    nobody = b"quorum none\n"
    shown = judge(resealed(package, {log_files.WITNESS_POLICY: nobody}, authority))
    assert "asks for no outside witnesses" in said(shown) and "quorum is met" not in said(shown)
    own = judge(package, WitnessDemand(parse_policy(nobody), demanded=True))
    assert "asks for no outside witnesses" in said(own) and "quorum is met" not in said(own)


def test_the_policy_in_the_package_about_another_log_says_nothing_of_this_one(
    judge: Judge, cosigned: bytes, authority: TestAuthority
) -> None:
    other = NoteKey("log.yi.example", KeyKind.ED25519, PRIVATE[1].public_key().public_bytes_raw())
    shown = said(judge(resealed(cosigned, {log_files.WITNESS_POLICY: policy_text(other)}, authority)))
    assert "about other logs" in shown and "quorum is met" not in shown


def test_a_forged_cosignature_or_policy_helps_nobody(
    judge: Judge, cosigned: bytes, authority: TestAuthority, log: NoteKey
) -> None:
    """By whoever has the appliance's evidence key: the verifier's own policy counts."""
    files = {path: bytes(data) for path, data in read_zip(cosigned).files.items()}
    stranger = ed25519.Ed25519PrivateKey.generate()
    plain = files[log_files.CHECKPOINT].rsplit("— ".encode(), 1)[0]
    forged = cosign(plain, KEYS[1], PRIVATE[1].sign, at=authority.now).replace(b"w1.example", b"w0.example")
    imitated = cosign(
        plain,
        NoteKey("w0.example", KeyKind.COSIGNATURE, stranger.public_key().public_bytes_raw()),
        stranger.sign,
        at=authority.now,
    )
    demand = WitnessDemand(parse_policy(policy_text(log)), demanded=True)
    for checkpoint in (forged, imitated, plain):
        changes: dict[str, bytes | None] = {log_files.CHECKPOINT: checkpoint}
        for path, data in files.items():
            if path.endswith(".tlog-proof"):
                changes[path] = data.replace(files[log_files.CHECKPOINT], checkpoint)
        changed = resealed(cosigned, changes, authority)
        assert judge(changed, demand).indication is Indication.INDETERMINATE
        assert "0 of 2" in said(judge(changed))
    unreadable = resealed(cosigned, {log_files.WITNESS_POLICY: b"quorum many\n"}, authority)
    assert "cannot be read" in said(judge(unreadable))
    assert judge(repacked(cosigned, {log_files.WITNESS_POLICY: b"quorum none\n"})).indication is Indication.FAILED


def test_the_log_signs_first(judge: Judge, cosigned: bytes, authority: TestAuthority) -> None:
    files = {path: bytes(data) for path, data in read_zip(cosigned).files.items()}
    text, blank, lines = files[log_files.CHECKPOINT].partition(b"\n\n")
    turned = text + blank + b"".join(reversed(lines.splitlines(keepends=True)))
    changes: dict[str, bytes | None] = {log_files.CHECKPOINT: turned}
    for path, data in files.items():
        if path.endswith(".tlog-proof"):
            changes[path] = data.replace(files[log_files.CHECKPOINT], turned)
    assert judge(resealed(cosigned, changes, authority)).indication is Indication.FAILED


@pytest.mark.parametrize("checker", CHECKERS, ids=["sh", "python"])
def test_the_checkers_pass_it(checker: list[str], cosigned: bytes, tmp_path: Path) -> None:
    """The timestamp of the checkpoint is over what the log itself signed."""
    status, told = check(checker, unpack(cosigned, tmp_path / "package"))
    assert status == 0, told
    assert "log/witness-policy.txt" in told
