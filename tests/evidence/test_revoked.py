"""Certificates that were revoked after they signed, or before: all who judge a package say the same.

The judges: ``vermilion verify``'s, check.py, check.sh, and the commands of the README.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.confinement.pool import Confinement
from appliance.evidence.model import EvidenceInput
from appliance.evidence.package import build
from appliance.evidence.repacked import read_zip
from appliance.evidence.verification import verify_package
from appliance.verification import Indication, Verifier
from hsm import cms
from tests.evidence import contract
from tests.evidence.authority import Revocation, TestAuthority
from tests.evidence.captures.renewing import NO_LISTS, NOT_COUNTING, UNDERSTOOD
from tests.evidence.contract import signed_at
from tests.evidence.real_contract import SignedPdf
from tests.evidence.resealing import resealed
from tests.evidence.test_checkers import CHECKERS, check
from tests.evidence.unpacked import commands, run, unpack
from tests.offline_verifier.engine import started
from tests.sweeps import one_in

Judged = Callable[..., dict[str, bool]]
Reason = x509.ReasonFlags
MINUTE, HOUR, DAY, YEAR = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(days=365)


def made_later(authority: TestAuthority, evidence: EvidenceInput, *revocations: Revocation) -> bytes:
    """A package that *authority* makes now, with another timestamp key than that of the *evidence*."""
    return build(
        replace(
            evidence,
            created=authority.now,
            exchange=replace(evidence.exchange, reply=authority.reply(evidence.exchange.request)),
            log=replace(evidence.log, checkpoint_token=authority.token(evidence.log.checkpoint)),
            certificates=replace(
                evidence.certificates, timestamping=authority.tsa.certificate, crls=authority.crls(*revocations)
            ),
        ),
        contract.seals(authority),
    )


def a_year_later(authority: TestAuthority) -> TestAuthority:
    later = copy(authority)
    later.now += YEAR
    later.tsa = later.successor_of_tsa()
    return later


@pytest.fixture(scope="module")
def package_of_two_keys(authority: TestAuthority, evidence: EvidenceInput) -> bytes:
    return made_later(a_year_later(authority), evidence)


@pytest.fixture
def judged(authority: TestAuthority, evidence: EvidenceInput, confinement: Confinement, tmp_path: Path) -> Judged:
    """What each judge says of a package that is made a year later, with a new timestamp key, these revoked."""

    def judge(*revocations: Revocation) -> dict[str, bool]:
        later = a_year_later(authority)
        package = made_later(later, evidence, *revocations)
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


ANY_TIME = {
    *("overdue", "overdue from this second on", "of a year before", "of later"),
    *("one of them overdue", "the root's overdue"),
}
"""These lists are enough in the package of a contract: of an authority that has ended there is no newer one."""


@pytest.mark.parametrize("name", one_in(4, {**NOT_COUNTING, **NO_LISTS, **UNDERSTOOD}))
def test_whom_no_list_tells_of_nothing_is_known_about(
    name: str, package: bytes, authority: TestAuthority, confinement: Confinement, tmp_path: Path
) -> None:
    """Every judge says so, the page too (EN 319 102-1, 5.2.6; RFC 5280, 5.2 and 5.3)."""
    lists = {**NOT_COUNTING, **NO_LISTS, **UNDERSTOOD}[name](authority)
    made = resealed(package, {"certificates/crls.pem": lists}, authority)
    root, at = authority.root.certificate, authority.now + HOUR
    report = Verifier(confinement, [root], evidence=verify_package, clock=lambda: at).verify(made)
    known = name in {*ANY_TIME, *UNDERSTOOD}
    assert report.indication is (Indication.PASSED if known else Indication.INDETERMINATE), report.reasons
    folder = unpack(made, tmp_path / "package")
    told = [check(checker, folder) for checker in CHECKERS]
    assert [status == 0 for status, _ in told] == [known, known], told
    (tmp_path / "engine").mkdir()
    with started(tmp_path / "engine") as engine:
        answer = engine.ask_folder(folder, root.public_bytes(Encoding.PEM), at)
    assert answer.report["proven"] is known, answer.reasons
    assert any("evocation list" in each for each in answer.reasons) is not known


def test_a_forger_cannot_have_the_checkers_pass_over_it(
    signer: x509.Certificate, evidence: EvidenceInput, authority: TestAuthority, pdf: SignedPdf, tmp_path: Path
) -> None:
    """The forger says which certificates lie beside the signatures."""
    lists = authority.crls(Revocation(signer, signed_at(pdf) - HOUR))
    known = replace(evidence.certificates, crls=lists)
    made = build(replace(evidence, certificates=known), contract.seals(authority))
    changes = {"certificates/01.pem": bytes(read_zip(made).files["certificates/02.pem"])}
    refused(resealed(made, changes, authority), "is not of its signature", tmp_path)


def test_no_timestamp_is_by_a_key_whose_certificate_was_left_out(
    package_of_two_keys: bytes, authority: TestAuthority, tmp_path: Path
) -> None:
    """Nobody would ask whether it was revoked."""
    changes = {"certificates/timestamping-1.pem": None}
    refused(resealed(package_of_two_keys, changes, authority), "the manifest's seals", tmp_path)


def refused(package: bytes, why: str, folder: Path) -> None:
    for checker in CHECKERS:
        status, said = check(checker, unpack(package, folder / checker[0].replace("/", "-")))
        assert status == 1 and why in said, said
