"""Certificates and revocation data in a file: collected before anything is judged, and checked for damage.

Nothing signs the certificates and lists that a signature carries. A certificate is accounted for when it is on
the validated path, when somebody at hand issued it, or when it has nothing to do with the path. One that looks
like a certificate of the path and is not is an altered copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from asn1crypto import core
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from appliance.verification.messages import ADOBE_REVOCATION, SignedMessage, UnreadableMessage, read_message
from appliance.verification.paths import CertificateJudge, PathFinder
from appliance.verification.revocation import RevocationData, crl_is_by
from appliance.verification.trust import UNREADABLE, ValidationContext, extension, is_canonical, parsed, readable
from hsm.errors import Sentence


@dataclass(slots=True)
class CollectedMaterial:
    """Certificates, lists and responses (DER) found in the file."""

    certificates: list[bytes] = field(default_factory=list)
    crls: list[bytes] = field(default_factory=list)
    responses: list[bytes] = field(default_factory=list)

    def add_message(self, message: SignedMessage) -> None:
        """What *message* carries, and what its timestamps carry."""
        self.certificates += message.certificates
        self.crls += message.crls
        for archival in message.signed.get(ADOBE_REVOCATION, ()):
            self.crls += _archived(archival, 0)
            self.responses += _archived(archival, 1)
        for token in message.timestamps:
            try:
                self.add_message(read_message(token))
            except UnreadableMessage:
                continue  # said when the token is judged

    def certificate_judge(self, circumstances: ValidationContext) -> CertificateJudge:
        """A judge who knows all of it."""
        pool = [certificate for each in dict.fromkeys(self.certificates) if (certificate := parsed(each))]
        given = (circumstances.anchors, circumstances.stampers, circumstances.known)
        anchors, stampers, known = map(readable, given)
        finder = PathFinder((*anchors, *stampers), [*pool, *known])
        revocation = RevocationData(self.crls, self.responses, at_hand=circumstances.crls)
        return CertificateJudge(finder, revocation, frozenset(stampers) - frozenset(anchors))


def _archived(archival: bytes, tag: int) -> list[bytes]:
    """The members of the list under the explicit *tag* of Adobe's attribute (ISO 32000-2, 12.8.3.3.2)."""
    lists = (each for tagged in _members(archival) if tagged[0] == 0xA0 | tag for each in _members(tagged))
    return [member for each in lists for member in _members(each)]


def _members(element: bytes) -> Iterator[bytes]:
    """The elements inside *element*; none when it is not well-formed."""
    try:
        contents = core.load(element, strict=True).contents
        while contents:
            member = core.load(contents)
            encoded = member.dump()
            yield encoded
            contents = contents[len(encoded) :]
    except ValueError:
        return


_ALTERED = Sentence("A certificate that the signature carries is damaged.")
_ALTERED_LIST = Sentence("A revocation list that the signature carries is damaged.")


def defect_of_carried(
    message: SignedMessage, path: Iterable[x509.Certificate], finder: PathFinder
) -> Sentence | None:
    """What is wrong with what *message* carries beside its signature, or None."""
    certificates = [parsed(each) for each in message.certificates]
    good = [*path, *finder.anchors]
    for certificate in certificates:
        if certificate is None or not _accounted_for(certificate, good, finder):
            return _ALTERED
    issuers = [*good, *(each for each in certificates if each is not None)]
    if not all(_list_is_accounted_for(each, issuers) for each in message.crls):
        return _ALTERED_LIST
    return None


def _accounted_for(certificate: x509.Certificate, good: list[x509.Certificate], finder: PathFinder) -> bool:
    if certificate in good or finder.issuers(certificate):
        return True
    return not any(_resembles(certificate, each) for each in good) and not _claims_issuer(certificate, good)


def _resembles(certificate: x509.Certificate, other: x509.Certificate) -> bool:
    """Whether the two share what one flipped byte cannot change all at once."""
    return (
        certificate.subject == other.subject
        or certificate.serial_number == other.serial_number
        or _key(certificate) == _key(other)
    )


def _claims_issuer(certificate: x509.Certificate, good: list[x509.Certificate]) -> bool:
    """Whether it says that a certificate of the path issued it, which did not."""
    authority = extension(certificate, x509.AuthorityKeyIdentifier)
    for each in good:
        subject = extension(each, x509.SubjectKeyIdentifier)
        same_key = authority and subject and authority.value.key_identifier == subject.value.digest
        if certificate.issuer == each.subject or same_key:
            return True
    return False


def _key(certificate: x509.Certificate) -> bytes:
    try:
        return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (UnsupportedAlgorithm, ValueError):
        return certificate.public_bytes(Encoding.DER)


def _list_is_accounted_for(encoded: bytes, issuers: list[x509.Certificate]) -> bool:
    try:
        if not is_canonical(encoded):
            return False
        crl = x509.load_der_x509_crl(encoded)
        named = [issuer for issuer in issuers if issuer.subject == crl.issuer]
    except UNREADABLE:
        return False
    return not named or any(crl_is_by(crl, issuer) for issuer in named)
