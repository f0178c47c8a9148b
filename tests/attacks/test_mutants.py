"""A small round of ``make mutants``, unconfined: nothing passes that should not, and nothing is raised."""

from __future__ import annotations

import cbor2
from asn1crypto.cms import ContentInfo
from asn1crypto.x509 import Certificate
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.confinement.frames import decode, encode
from appliance.verification import VerificationReport
from tests.attacks.judging import in_process
from tests.attacks.mutants import judged, seeds
from tests.attacks.oracle import explained
from tests.attacks.registry import Attempt
from tests.attacks.victims import GOOD, by_hand, ranges
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


def test_the_oracle_takes_certificates_that_prove_nothing() -> None:
    """One that nobody can read, and one that no authority has signed; none that one of them has."""
    document = seeds()[0].document
    start, end, _ = ranges(document)[0]
    digits = document[start + 1 : end - 1]
    country = b"06035504061302"  # countryName, PrintableString
    first = digits.index(country)
    unread = digits[:first] + b"06035504067f02" + digits[first + len(country) :]
    unsigned = digits.replace("甲公司".encode().hex().encode(), "乙公司".encode().hex().encode(), 1)
    message = ContentInfo.load(bytes.fromhex(digits.decode()), strict=False)
    more = Certificate.load(GOOD.tsa.certificate.public_bytes(Encoding.DER))
    message["content"]["certificates"] = [*message["content"]["certificates"], more]
    signed = message.dump(force=True).hex().encode().ljust(len(digits), b"0")
    assert explained(document, document[: start + 1] + unread + document[end - 1 :])
    assert explained(document, document[: start + 1] + unsigned + document[end - 1 :])
    assert len(signed) == len(digits)
    dated = seeds()[1].document
    first, last, _ = ranges(dated)[0]
    token = dated.index(b"060b2a864886f70d010910020e", first, last)  # id-aa-timeStampToken, RFC 3161, appendix A
    place = dated.index("甲公司".encode().hex().encode(), token)
    assert explained(dated, dated[:place] + "乙公司".encode().hex().encode() + dated[place + 18 :])
    assert not explained(document, document[: start + 1] + signed + document[end - 1 :])


def test_the_oracle_takes_a_timestamp_that_names_no_signer_for_a_lost_one() -> None:
    dated = seeds()[1].document
    first, last, _ = ranges(dated)[0]
    company = "甲公司".encode().hex().encode()
    place = dated.rindex(company, first, last)  # in the identifier of the timestamp's signer
    assert explained(dated, dated[:place] + "乙公司".encode().hex().encode() + dated[place + len(company) :])


def test_a_name_that_is_no_text_is_told() -> None:
    """Octets that no encoding of strings has (PDFDocEncoding has no 0x00) reach the report as a text."""
    document = by_hand().replace(b"/T (first)", b"/T (\x00irst)")
    assert document != by_hand()
    report = in_process(Attempt(document))
    assert report.indication == "TOTAL-FAILED"
    assert decode(VerificationReport, cbor2.loads(cbor2.dumps(encode(report)))) == report
