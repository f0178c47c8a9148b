"""Files that are built to exhaust their readers: each gets its verdict within the processor time that it may take.

The kernel counts that time, so nothing here depends on how busy the machine is: a file that takes more than it may
is judged with exactly that reason, and these are to be judged without it.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from asn1crypto import cms as lax

from appliance.confinement.pool import Confinement
from appliance.verification import Indication, VerificationReport, Verifier, verifier
from appliance.verification.model import SubIndication
from hsm import cms, der
from hsm.cms.signed_data import MESSAGE_DIGEST, SIGNATURE_TIMESTAMP, SIGNED_DATA
from tests.attacks import writing
from tests.sweeps import first_of
from tests.verification.authorities import NOW, Identity, Profile, World, authority, issue
from tests.verification.documents import Signing, asn1, plain, sign
from tests.verification.reencoding import message_of, outermost, replaced

ROOM = 1_000_000


@pytest.fixture(scope="module")
def confined(confinement: Confinement, good: World) -> Verifier:
    return Verifier(confinement, [good.root.certificate], clock=lambda: NOW + timedelta(days=1))


@pytest.fixture(scope="module")
def document(good: World) -> bytes:
    return sign(plain(1), Signing("first", good.signer, [good.issuing], room=ROOM // 2))


def judged(confined: Verifier, document: bytes) -> VerificationReport:
    """The report, for a reason that is not the limit."""
    report = confined.verify(document)
    limits = [str(verifier._CONFINED[cause]) for cause in ("processor", "timeout", "memory", "crashed")]
    assert not set(report.reasons) & set(limits)
    return report


@pytest.mark.parametrize("depth", first_of([40, 2, 5]))
def test_messages_inside_messages(confined: Verifier, document: bytes, depth: int) -> None:
    """As timestamps of each other, the outermost in BER: each level made the one before it twice as slow."""
    message = inner = message_of(document)
    for _ in range(depth):
        inner = cms.add_signature_timestamp(message, inner)
    report = judged(confined, replaced(document, outermost(inner)))
    assert report.indication is not Indication.PASSED
    assert report.reasons


def test_timestamps_of_timestamps(confined: Verifier, document: bytes) -> None:
    """In DER, as few bytes each as they can be: each was a call deeper, until Python's stack had an end."""
    inner = b""
    for _ in range(1500):
        inner = _smallest(inner)
    report = judged(confined, replaced(document, cms.add_signature_timestamp(message_of(document), inner)))
    assert report.verdict.subindication is SubIndication.SIG_CONSTRAINTS_FAILURE


def _smallest(timestamp: bytes) -> bytes:
    """A signed message of the least that is read, with that *timestamp*."""
    sha256, value = (
        der.element(der.SEQUENCE, der.oid("2.16.840.1.101.3.4.2.1")),
        der.element(der.OCTET_STRING, b"x"),
    )
    signer = [
        der.integer(1), der.element(der.SEQUENCE, der.element(der.SEQUENCE), der.integer(1)), sha256,
        der.element(0xA0, _attribute(MESSAGE_DIGEST, value)), sha256, value,
    ]  # fmt: skip
    if timestamp:
        signer.append(der.element(0xA1, _attribute(SIGNATURE_TIMESTAMP, timestamp)))
    data = [
        der.integer(3), der.element(der.SET, sha256),
        der.element(der.SEQUENCE, der.oid(cms.TST_INFO), der.element(0xA0, value)),
        der.element(der.SET, der.element(der.SEQUENCE, *signer)),
    ]  # fmt: skip
    signed = der.element(0xA0, der.element(der.SEQUENCE, *data))
    return der.element(der.SEQUENCE, der.oid(SIGNED_DATA), signed)


def _attribute(name: str, value: bytes) -> bytes:
    return der.element(der.SEQUENCE, der.oid(name), der.element(der.SET, value))


def test_many_certificates_of_one_name(confined: Verifier, good: World, document: bytes) -> None:
    """All of them issued the signer's; and those of the other name have all issued each other."""
    usage = frozenset({"key_cert_sign"})
    issuers = [
        issue(Profile("Issuing CA", days=each, authority=True, usages=(), key_usage=usage), good.root)
        for each in range(3000, 3300)
    ]
    judged(confined, replaced(document, _with_certificates(message_of(document), issuers)))
    each_other = [authority("Other CA", days=each) for each in range(3000, 3200)]
    report = judged(confined, replaced(document, _with_certificates(message_of(document), each_other)))
    assert report.indication is Indication.PASSED, report.reasons  # nobody needs them, so nobody looks


def test_many_certificates_of_many_names(confined: Verifier, good: World, document: bytes) -> None:
    others = [authority(f"Other CA {each}") for each in range(400)]
    report = judged(confined, replaced(document, _with_certificates(message_of(document), others)))
    assert report.indication is Indication.PASSED, report.reasons


def test_many_revisions(confined: Verifier, document: bytes) -> None:
    """After the signature, each with an object that nothing uses."""
    changed = document
    for number in range(300):
        changed = writing.written({5000 + number: b"<</Type/Example>>"}, after=changed)
    judged(confined, changed)


@pytest.mark.parametrize(
    "trailer",
    [b"/Size 2147483647", b"/Prev 0", b"/Prev 99999999999", b"/XRefStm 17"],
    ids=["size", "before", "beyond", "stream"],
)
def test_tables_that_promise_much(confined: Verifier, document: bytes, trailer: bytes) -> None:
    start = len(document)
    section = b"xref\n0 99999999\n0000000000 65535 f \ntrailer\n<<%s/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
    report = judged(confined, document + section % (trailer, start))
    assert report.indication is not Indication.PASSED


def test_a_table_that_leads_back_to_itself(confined: Verifier, document: bytes) -> None:
    start = len(document)
    loop = b"xref\n0 0\ntrailer\n<</Size 9/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (start, start)
    report = judged(confined, document + loop)
    assert report.indication is not Indication.PASSED


def test_objects_inside_objects(confined: Verifier, document: bytes) -> None:
    for opening, closing in ((b"[", b"]"), (b"<</A ", b">>")):
        judged(confined, writing.written({5000: opening * 50_000 + closing * 50_000}, after=document))


def test_what_takes_longer_is_undecided_with_that_reason(
    confined: Verifier, document: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifier, "MOST_SECONDS", 0)
    report = confined.verify(document)
    assert report.indication is Indication.INDETERMINATE
    assert report.reasons == (str(verifier._CONFINED["processor"]),)
    assert "5 seconds of processor time" in report.reasons[0]


def _with_certificates(message: bytes, more: list[Identity]) -> bytes:
    """The message (DER) with more certificates in its bag, which nobody signs."""
    info = lax.ContentInfo.load(message)
    for each in more:
        info["content"]["certificates"].append(asn1(each))
    return bytes(info.dump())
