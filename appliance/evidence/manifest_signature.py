"""The signature and the timestamp on a package's manifest.

1. the signature has one form, and was made for a manifest: it states the signing time, which signatures on
   documents never do, so that nobody's signature on a document can be passed off as one;
2. every certificate that signature and timestamp carry is one of the package's own, which the manifest lists;
3. the reply answers exactly the query that belongs to this manifest, in its one form;
4. the timestamp holds and its authority is trusted;
5. the signature is over the manifest, by the certificate that it names;
6. that certificate is an evidence service's: one of a person, a seal or another service signs no manifest;
7. the signer is trusted, at the moment that the timestamp proves.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.evidence.manifest import MANIFEST, QUERY, REPLY, SIGNATURE
from appliance.evidence.model import Files, PackageRefused, part
from appliance.verification import (
    Coverage,
    Indication,
    Level,
    SignatureReport,
    TrustAnchors,
    VerificationReport,
    Verifier,
)
from appliance.verification.ber import INDEFINITE_SEQUENCE
from appliance.verification.messages import SignedMessage, UnreadableMessage, read_message
from appliance.verification.paths import (
    CertificateFinding,
    CertificateJudge,
    KeyPurpose,
    PathFinder,
    ValidationTimes,
)
from appliance.verification.revocation import RevocationData
from appliance.verification.tokens import IdentifiedSigner, NotSigned, identify_signer
from appliance.verification.trust import UNREADABLE, details, read_certificate, shown_name
from hsm import cms, timestamp
from hsm.certificates import is_evidence_service
from hsm.cms.signed_data import SIGNING_TIME

LARGEST_CERTIFICATE = 64 * 1024
"""Bytes: a certificate is read before anybody vouches for it, and takes some sixty times its size while it is."""


@dataclass(frozen=True, slots=True)
class PackageTrust:
    """By whom and when: the verifier, the moment asked for, whom to believe (with the package's own certificates
    and lists as means), and the certificates of the package in DER."""

    verifier: Verifier
    at: datetime
    anchors: TrustAnchors
    carried: frozenset[bytes]


def examine(files: Files, trust: PackageTrust) -> SignatureReport:
    """The report on the manifest's signature, in the package's *files*."""
    listed, signature, query, reply = (part(files, name) for name in (MANIFEST, SIGNATURE, QUERY, REPLY))
    try:
        message = _message(signature)
        _require_own(message.certificates, trust)
        _require_own(cms.parse(timestamp.parse_response(reply)).certificates, trust)
        dated = _dated(listed, query, reply, trust)
        digest = hashlib.new(message.digest_name, listed).digest()
        signer = identify_signer(message, digest, trust.anchors.known)
        if not is_evidence_service(signer.certificate):
            raise UnreadableMessage(
                "The manifest is signed by {name}, whose certificate is not an evidence service's.",
                name=shown_name(signer.certificate),
            )
    except NotSigned as error:
        return SignatureReport(MANIFEST, error.verdict)
    except UnreadableMessage as error:
        return SignatureReport(MANIFEST, error.verdict)
    stamp = dated.signatures[0].timestamp if dated.signatures else None
    passed = dated.indication is Indication.PASSED
    found = finding(signer.certificate, trust, proven=stamp if passed else None)
    return _report(signer, found, dated, stamp)


def _dated(listed: bytes, query: bytes, reply: bytes, trust: PackageTrust) -> VerificationReport:
    token = timestamp.parse_response(reply)
    nonce = timestamp.parse_token(token).nonce
    order = timestamp.order_for(hashlib.sha256(listed).digest(), nonce=nonce)
    if query != timestamp.build_request(order) or reply != timestamp.response_granted(token):
        raise UnreadableMessage("The timestamp of the manifest does not answer the query for this manifest.")
    return trust.verifier.verify_timestamp(reply, data=listed, nonce=nonce, at=trust.at, trust=trust.anchors)


def _message(signature: bytes) -> SignedMessage:
    if signature.startswith(INDEFINITE_SEQUENCE):
        raise UnreadableMessage("The signature of the manifest is not encoded in DER.")
    message = read_message(signature)
    if message.defects or message.unsigned or message.crls or message.content is not None:
        raise UnreadableMessage("The signature of the manifest is not in its one form.")
    if SIGNING_TIME not in message.signed:
        raise UnreadableMessage("The signature was not made for a manifest: it does not state its time.")
    return message


def _require_own(certificates: tuple[bytes, ...], trust: PackageTrust) -> None:
    if not trust.carried.issuperset(certificates):
        raise UnreadableMessage(
            "The signature or timestamp of the manifest carries a certificate that is not of the package."
        )


def finding(certificate: x509.Certificate, trust: PackageTrust, *, proven: datetime | None) -> CertificateFinding:
    """Whether the signer's *certificate* is to be believed, with what it signed *proven* to exist by then."""
    finder = PathFinder(trust.anchors.certificates, trust.anchors.known)
    judge = CertificateJudge(finder, RevocationData(trust.anchors.crls))
    return judge.judge_certificate(certificate, KeyPurpose.DOCUMENT, ValidationTimes(trust.at, proven))


def _report(
    signer: IdentifiedSigner, found: CertificateFinding, dated: VerificationReport, stamp: datetime | None
) -> SignatureReport:
    verdict = found.verdict if dated.indication is Indication.PASSED else dated.verdict
    return SignatureReport(
        field=MANIFEST,
        verdict=verdict,
        signer=shown_name(signer.certificate),
        signing_time=stamp,
        timestamp=stamp,
        level=Level.T,
        coverage=Coverage.FILE,
        path=tuple(details(each) for each in found.path),
        algorithms=signer.scheme.label,
    )


def certificates_in(pem: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM file of the package. Raises :class:`PackageRefused`."""
    try:
        found = tuple(x509.load_pem_x509_certificates(pem))
    except UNREADABLE as error:
        raise PackageRefused("A certificate of the package cannot be read.") from error
    encoded = (each.public_bytes(Encoding.DER) for each in found)
    if not all(len(each) <= LARGEST_CERTIFICATE and read_certificate(each) for each in encoded):
        raise PackageRefused("A certificate of the package cannot be read.")
    return found
