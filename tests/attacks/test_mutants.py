"""A small round of ``make mutants``, unconfined: nothing passes that should not, and nothing is raised."""

from __future__ import annotations

import cbor2
from asn1crypto.cms import ContentInfo

from appliance.confinement.frames import decode, encode
from appliance.verification import VerificationReport
from tests.attacks.judging import in_process
from tests.attacks.mutants import judged, seeds
from tests.attacks.oracle import explained
from tests.attacks.registry import Attempt
from tests.attacks.victims import by_hand, ranges
from tests.attacks.writing import OTHER_TEXT, stream, written

_ROUND = 150


def test_every_seed_passes() -> None:
    for seed in seeds():
        assert in_process(Attempt(seed.document)).indication == "TOTAL-PASSED"


def test_no_mutant_passes_wrongly() -> None:
    outcome = judged(range(_ROUND), in_process, seeds())
    assert outcome.counts.total() == _ROUND
    assert [said for said, _, _ in outcome.wrong] == []
    assert outcome.counts["TOTAL-FAILED"] > _ROUND / 2


def test_the_oracle_is_no_yes_man() -> None:
    """It explains what changes nothing, and nothing else."""
    document = seeds()[0].document
    assert explained(document, document)
    assert explained(document, written({90: b"<<>>"}, after=document))
    assert not explained(document, written({4: stream(OTHER_TEXT)}, after=document))
    assert not explained(document, document.replace(b"100 euro", b"900 euro"))
    assert not explained(document, b"%" + document)


def test_the_oracle_knows_what_a_message_may_lose() -> None:
    """A certificate that no signature covers; nothing of what the signature is made of."""
    document = seeds()[0].document
    start, end, _ = ranges(document)[0]
    message = ContentInfo.load(bytes.fromhex(document[start + 1 : end - 1].decode()), strict=False)

    def with_message() -> bytes:
        digits = message.dump(force=True).hex().encode().ljust(end - start - 2, b"0")
        return document[: start + 1] + digits + document[end - 1 :]

    message["content"]["certificates"] = list(message["content"]["certificates"])[1:]
    assert explained(document, with_message())
    message["content"]["digest_algorithms"][0]["parameters"] = None
    assert explained(document, with_message())
    message["content"]["signer_infos"][0]["signature"] = b"another"
    assert not explained(document, with_message())


def test_the_oracle_takes_a_certificate_that_nobody_can_read() -> None:
    """And none that can be read and was not there."""
    document = seeds()[0].document
    start, end, _ = ranges(document)[0]
    digits = document[start + 1 : end - 1]
    country = b"06035504061302"  # countryName, PrintableString
    first = digits.index(country)
    unread = digits[:first] + b"06035504067f02" + digits[first + len(country) :]
    other = digits.replace("甲公司".encode().hex().encode(), "乙公司".encode().hex().encode(), 1)
    assert explained(document, document[: start + 1] + unread + document[end - 1 :])
    assert not explained(document, document[: start + 1] + other + document[end - 1 :])


def test_a_name_that_is_no_text_is_told() -> None:
    """Octets that no encoding of strings has (PDFDocEncoding has no 0x00) reach the report as a text."""
    document = by_hand().replace(b"/T (first)", b"/T (\x00irst)")
    assert document != by_hand()
    report = in_process(Attempt(document))
    assert report.indication == "TOTAL-FAILED"
    assert decode(VerificationReport, cbor2.loads(cbor2.dumps(encode(report)))) == report
