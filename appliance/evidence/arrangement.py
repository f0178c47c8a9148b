"""Where everything lies inside a package: path → bytes, all but the seals, the README and the history's pages.

``index.txt`` tells the same to a shell: one line for each thing to check, times in seconds since 1970-01-01 UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import resources
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.evidence import agreements, grounds, history, logfiles
from appliance.evidence.extraction import ExtractedRecord, Extraction, Signed
from appliance.evidence.model import Certificates, EvidenceInput
from hsm import canonical

ORIGINAL: Final = "contract/contract.pdf"
SIGNED: Final = "contract/contract.signed.pdf"
SIGNED_QUERY: Final = "contract/contract.tsq"
SIGNED_REPLY: Final = "contract/contract.tsr"
HISTORY: Final = "history/history.json"
REPORT: Final = "verification/report.json"
INDEX: Final = "index.txt"
_INDEX_HEAD: Final = (
    "# What check.sh goes through. Times are seconds since 1970-01-01 00:00:00 UTC.",
    "# signature, timestamp: number, head, tail and length of the covered bytes, time",
    "# certificate: name, time; 0 for one that has run out since it signed",
)


def arrange(evidence: EvidenceInput, extraction: Extraction) -> dict[str, bytes]:
    """Path → bytes of the evidence itself."""
    files = {
        ORIGINAL: evidence.original,
        SIGNED: evidence.signed,
        SIGNED_QUERY: evidence.exchange.request,
        SIGNED_REPLY: evidence.exchange.reply,
        HISTORY: history.encode(history.heading(evidence), history.events(evidence.log.entries)),
        REPORT: canonical.encode(dict(evidence.report)),
        INDEX: index(evidence, extraction),
        **_checkers(),
        **logfiles.arrange(evidence.log),
        **_certificates(evidence.certificates),
        **evidence.documents,
    }
    for signature in extraction.signatures:
        name = f"signatures/{signature.number}"
        files |= _parts(name, signature.signed)
        files[f"certificates/{signature.number}.pem"] = pem(signature.signed.certificate)
    for stamp in extraction.timestamps:
        files[f"signatures/{stamp.number}.tst"] = stamp.token
    for each in extraction.records:
        files |= _parts(each.record.name, each.signed)
        files[f"{each.record.name}.json"] = each.record.record
        files[f"certificates/{certificate_of(each)}.pem"] = pem(each.signed.certificate)
    return files


def index(evidence: EvidenceInput, extraction: Extraction) -> bytes:
    """``index.txt``: the lines that the checkers go through, in this order."""
    return "".join(f"{line}\n" for line in _index_lines(evidence, extraction)).encode()


def pem(certificate: x509.Certificate) -> bytes:
    """*certificate* in PEM."""
    return certificate.public_bytes(Encoding.PEM)


def certificate_moments(evidence: EvidenceInput, extraction: Extraction) -> dict[str, int]:
    """The end certificates below ``certificates/`` (signers, our services, signers of records; without ending),
    and the moment at which each is held against the revocation lists, in seconds since 1970.

    It is when the newest list was made, at which all of them can be used; 0, for no moment, where the certificate
    had run out by then: that it was good when it signed, its signature's check shows, and our lists name the
    revoked for good.
    """
    lists = (x509.load_der_x509_crl(crl) for crl in evidence.certificates.crls)
    newest = max(each.last_update_utc for each in lists)
    certificates = {each.number: each.signed.certificate for each in extraction.signatures}
    certificates |= {
        "timestamping": evidence.certificates.timestamping,
        "evidence": evidence.certificates.evidence,
    }
    certificates |= {certificate_of(each): each.signed.certificate for each in extraction.records}
    return {
        name: int(newest.timestamp()) if newest <= each.not_valid_after_utc else 0
        for name, each in certificates.items()
    }


def certificate_of(record: ExtractedRecord) -> str:
    """The name of the certificate of a record's signer, e.g. ``agreement-01``."""
    return record.record.name.replace("/", "-")


def _index_lines(evidence: EvidenceInput, extraction: Extraction) -> Iterator[str]:
    created = int(evidence.created.timestamp())
    yield from _INDEX_HEAD
    yield f"created {created}"
    for signature in extraction.signatures:
        covers, moment = signature.covers, int(signature.signed.at.timestamp())
        yield f"signature {signature.number} {covers.head} {covers.tail} {covers.length} {moment}"
    for stamp in extraction.timestamps:
        covers, moment = stamp.covers, int(stamp.at.timestamp())
        yield f"timestamp {stamp.number} {covers.head} {covers.tail} {covers.length} {moment}"
    for name, moment in certificate_moments(evidence, extraction).items():
        yield f"certificate {name} {moment}"
    for each in extraction.records:
        yield f"record {each.record.name} {int(each.signed.at.timestamp())}"
    told = history.events(evidence.log.entries)
    yield from agreements.lines({f"{each.name}.json": each.record for each in evidence.records}, told)
    yield from grounds.lines(evidence.documents, told)
    yield f"checkpoint {created}"
    for entry in evidence.log.entries:
        yield f"entry {logfiles.number(entry.index)}"


def _parts(name: str, signed: Signed) -> dict[str, bytes]:
    return {f"{name}.p7s": signed.cms, f"{name}.sig": signed.value, f"{name}.tst": signed.token}


def _certificates(certificates: Certificates) -> dict[str, bytes]:
    return {
        "certificates/ca.pem": pem(certificates.root),
        "certificates/chain.pem": b"".join(map(pem, certificates.intermediates)),
        "certificates/timestamping.pem": pem(certificates.timestamping),
        "certificates/evidence.pem": pem(certificates.evidence),
        "certificates/crls.pem": _crls(certificates.crls),
    }


def _crls(crls: Iterable[bytes]) -> bytes:
    return b"".join(x509.load_der_x509_crl(crl).public_bytes(Encoding.PEM) for crl in crls)


def _checkers() -> dict[str, bytes]:
    folder = resources.files("appliance.evidence.checker")
    return {name: folder.joinpath(name).read_bytes() for name in ("check.sh", "check.py")}
