"""Where everything lies inside a package: path → bytes, all but the seals, the README and the history's pages.

``index.txt`` tells the same to a shell: one line for each thing to check, times in seconds since 1970-01-01 UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import resources
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.evidence import agreements, authorisation_basis, history, log_files
from appliance.evidence.certificate_status import certificate_statuses
from appliance.evidence.extraction import Extraction, SignedFile
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
    "# certificate: name, time (0 for one that has run out since it signed), time of the act that it signed",
)


def package_files(evidence: EvidenceInput, extraction: Extraction) -> dict[str, bytes]:
    """Path → bytes of the evidence itself."""
    files = {
        ORIGINAL: evidence.original,
        SIGNED: evidence.signed,
        SIGNED_QUERY: evidence.exchange.request,
        SIGNED_REPLY: evidence.exchange.reply,
        HISTORY: history.encode(history.heading(evidence), history.events(evidence.log.entries)),
        REPORT: canonical.encode(dict(evidence.report)),
        INDEX: signature_index(evidence, extraction),
        **_checkers(),
        **log_files.log_files(evidence.log),
        **_certificates(evidence.certificates),
        **evidence.documents,
    }
    for signature in extraction.signatures:
        name = f"signatures/{signature.number}"
        files |= _parts(name, signature.signed)
    for stamp in extraction.timestamps:
        files[f"signatures/{stamp.number}.tst"] = stamp.token
    for each in extraction.records:
        files |= _parts(each.record.name, each.signed)
        files[f"{each.record.name}.json"] = each.record.record
    for standing in certificate_statuses(evidence, extraction):
        files[f"certificates/{standing.name}.pem"] = pem(standing.certificate)
    return files


def signature_index(evidence: EvidenceInput, extraction: Extraction) -> bytes:
    """``index.txt``: the lines that the checkers go through, in this order."""
    return "".join(f"{line}\n" for line in _index_lines(evidence, extraction)).encode()


def pem(certificate: x509.Certificate) -> bytes:
    """*certificate* in PEM."""
    return certificate.public_bytes(Encoding.PEM)


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
    for each in certificate_statuses(evidence, extraction):
        yield f"certificate {each.name} {each.moment} {int(each.acted.timestamp())}"
    for record in extraction.records:
        yield f"record {record.record.name} {int(record.signed.at.timestamp())}"
    told = history.events(evidence.log.entries)
    yield from agreements.lines({f"{each.name}.json": each.record for each in evidence.records}, told)
    yield from authorisation_basis.lines(evidence.documents, told)
    yield f"checkpoint {created}"
    for entry in evidence.log.entries:
        yield f"entry {log_files.number(entry.index)}"


def _parts(name: str, signed: SignedFile) -> dict[str, bytes]:
    return {f"{name}.p7s": signed.cms, f"{name}.sig": signed.value, f"{name}.tst": signed.token}


def _certificates(certificates: Certificates) -> dict[str, bytes]:
    return {
        "certificates/ca.pem": pem(certificates.root),
        "certificates/chain.pem": b"".join(map(pem, certificates.intermediates)),
        "certificates/crls.pem": _crls(certificates.crls),
    }


def _crls(crls: Iterable[bytes]) -> bytes:
    return b"".join(x509.load_der_x509_crl(crl).public_bytes(Encoding.PEM) for crl in crls)


def _checkers() -> dict[str, bytes]:
    folder = resources.files("appliance.evidence.checker")
    return {name: folder.joinpath(name).read_bytes() for name in ("check.sh", "check.py")}
