"""Certificates that were revoked after they signed, or before: all who judge a package say the same.

The judges: ``vermilion verify``'s, check.py, check.sh, and the commands of the README.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from appliance.confinement.pool import Confinement
from appliance.evidence.model import EvidenceInput
from appliance.evidence.package import INDEX, build
from appliance.evidence.repacked import read_zip
from appliance.evidence.verification import verify_package
from appliance.verification import Indication, Verifier
from hsm import cms
from tests.evidence import contract
from tests.evidence.authority import Revocation, TestAuthority
from tests.evidence.contract import signed_at
from tests.evidence.real_contract import SignedPdf
from tests.evidence.resealing import resealed
from tests.evidence.test_checkers import CHECKERS, check
from tests.evidence.unpacked import commands, run, unpack
from tests.sweeps import one_in

Judged = Callable[..., dict[str, bool]]
Reason = x509.ReasonFlags
MINUTE, HOUR, DAY, YEAR = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(days=365)


@pytest.fixture
def judged(authority: TestAuthority, evidence: EvidenceInput, confinement: Confinement, tmp_path: Path) -> Judged:
    """What each judge says of a package that is made a year later, with a new timestamp key, these revoked."""

    def judge(*revocations: Revocation) -> dict[str, bool]:
        later = copy(authority)
        later.now += YEAR
        later.tsa = later.successor_of_tsa()
        checkpoint = evidence.log.checkpoint
        made = replace(
            evidence,
            created=later.now,
            exchange=replace(evidence.exchange, reply=later.reply(evidence.exchange.request)),
            log=replace(evidence.log, checkpoint_token=later.token(checkpoint)),
            certificates=replace(
                evidence.certificates, timestamping=later.tsa.certificate, crls=later.crls(*revocations)
            ),
        )
        package = build(made, contract.seals(later))
        anchors = [later.root.certificate]
        verifier = Verifier(confinement, anchors, evidence=verify_package, clock=lambda: later.now + MINUTE)
        folder = unpack(package, tmp_path / "package")
        report = verifier.verify(package)
        told = [check(checker, folder) for checker in CHECKERS]
        assert all(status == 0 or "revoked" in said for status, said in told), told
        assert report.indication is Indication.PASSED or "revoked" in " ".join(report.reasons), report
        about = [each for each in commands(folder / "README.zh.txt") if "certificates/crls.pem" in each]
        return {
            "verify": report.indication is Indication.PASSED,
            "check.sh": told[0][0] == 0,
            "check.py": told[1][0] == 0,
            "README": not any(run(command, folder).returncode for command in about),
        }

    return judge


@pytest.fixture
def signer(evidence: EvidenceInput) -> x509.Certificate:
    """Who signed the contract first."""
    return certificate_in(evidence.signatures[0].cms)


def certificate_in(message: bytes) -> x509.Certificate:
    parsed = cms.parse(message)
    certificates = map(x509.load_der_x509_certificate, parsed.certificates)
    return next(each for each in certificates if "示例签发" not in each.subject.rfc4514_string())


def agreed(verdicts: dict[str, bool]) -> bool:
    assert len(set(verdicts.values())) == 1, verdicts
    return verdicts["verify"]


def test_who_leaves_after_signing_has_signed(
    judged: Judged, signer: x509.Certificate, evidence: EvidenceInput, authority: TestAuthority
) -> None:
    """Signer and who accepted the agreement; a key is compromised later; a CA and a timestamp key
    are replaced after the package."""
    left = authority.now + DAY
    assert agreed(
        judged(
            Revocation(signer, left, Reason.affiliation_changed),
            Revocation(certificate_in(evidence.records[1].cms), left),
            Revocation(certificate_in(evidence.signatures[1].cms), left + DAY, Reason.key_compromise, left),
            Revocation(authority.tsa.certificate, authority.now + YEAR + HOUR, Reason.superseded),
            Revocation(authority.issuing.certificate, authority.now + YEAR + HOUR, Reason.superseded),
        )
    )


@pytest.mark.long
def test_a_date_of_invalidity_counts_for_compromised_keys_alone(
    judged: Judged, signer: x509.Certificate, authority: TestAuthority, pdf: SignedPdf
) -> None:
    assert agreed(judged(Revocation(signer, authority.now + DAY, Reason.superseded, signed_at(pdf) - HOUR)))


@pytest.mark.parametrize(
    "before", one_in(3, ("signing", "compromised", "accepting", "stamping", "issuing", "sealing"))
)
def test_who_was_revoked_before_has_not(
    judged: Judged,
    signer: x509.Certificate,
    evidence: EvidenceInput,
    authority: TestAuthority,
    pdf: SignedPdf,
    before: str,
) -> None:
    at, later = signed_at(pdf), authority.now + DAY
    revoked = {
        "signing": Revocation(signer, at),
        "compromised": Revocation(signer, later, Reason.key_compromise, at - HOUR),
        "accepting": Revocation(certificate_in(evidence.records[1].cms), at - HOUR),
        "stamping": Revocation(authority.tsa.certificate, later, Reason.key_compromise, at - HOUR),
        "issuing": Revocation(authority.issuing.certificate, at - HOUR, Reason.ca_compromise),
        "sealing": Revocation(evidence.certificates.evidence, later),
    }
    assert not agreed(judged(revoked[before]))


@pytest.mark.parametrize("forged", ["time", "certificate"])
def test_a_forger_cannot_have_the_checkers_pass_over_it(
    forged: str,
    signer: x509.Certificate,
    evidence: EvidenceInput,
    authority: TestAuthority,
    pdf: SignedPdf,
    tmp_path: Path,
) -> None:
    """The forger writes index.txt, and says which certificates lie beside the signatures."""
    lists = authority.crls(Revocation(signer, signed_at(pdf) - HOUR))
    known = replace(evidence.certificates, crls=lists)
    made = build(replace(evidence, certificates=known), contract.seals(authority))
    files = read_zip(made).files
    changes = {
        "time": {INDEX: re.sub(rb"(?m)^(certificate 01 \d+) \d+$", rb"\1 1", bytes(files[INDEX]))},
        "certificate": {"certificates/01.pem": bytes(files["certificates/02.pem"])},
    }
    folder = unpack(resealed(made, changes[forged], authority), tmp_path / "package")
    for checker in CHECKERS:
        status, said = check(checker, folder)
        assert status == 1, said
        assert {"time": "index.txt has another time", "certificate": "is not of its signature"}[forged] in said
