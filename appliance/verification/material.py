"""Certificates and revocation data in a file: collected before anything is judged, and checked for damage.

Nothing signs the certificates and lists that a signature carries. One that is an altered copy of a certificate
that counts (on the validated path, or an anchor) is a fault; what is not needed does not harm, and what of it
cannot be read is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache

from cryptography import x509

from appliance.verification.messages import ADOBE_REVOCATION, SignedMessage, UnreadableMessage, read_message
from appliance.verification.paths import CertificateJudge, PathFinder
from appliance.verification.revocation import RevocationData, is_signed_by
from appliance.verification.trust import (
    UNREADABLE,
    ValidationContext,
    extension,
    is_canonical,
    issuer_and_serial,
    names_of,
    parsed,
    readable,
    serial_and_issuer,
    serial_of,
    shown_name,
)
from hsm import der
from hsm.errors import AuthorityError, Sentence

_DEEPEST = 4
"""How deep timestamps of timestamps are looked into; none but a signature's own are judged."""


@dataclass(slots=True)
class CollectedMaterial:
    """Certificates, lists and responses (DER) found in the file."""

    certificates: list[bytes] = field(default_factory=list)
    crls: list[bytes] = field(default_factory=list)
    responses: list[bytes] = field(default_factory=list)

    def add_message(self, message: SignedMessage, *, below: int = 0) -> None:
        """What *message* carries, and what its timestamps carry; *below* counts the messages around it."""
        self.certificates += message.certificates
        self.crls += message.crls
        self.responses += message.responses
        for archival in message.signed.get(ADOBE_REVOCATION, ()):
            self.crls += _archived(archival, 0)
            self.responses += _archived(archival, 1)
        for token in message.timestamps if below < _DEEPEST else ():
            try:
                self.add_message(read_message(token), below=below + 1)
            except UnreadableMessage:
                continue  # said when the token is judged
        for each in message.further:
            self.add_message(each, below=below)

    def certificate_judge(self, circumstances: ValidationContext) -> CertificateJudge:
        """A judge who knows all of it."""
        pool = [certificate for each in dict.fromkeys(self.certificates) if (certificate := parsed(each))]
        given = (circumstances.anchors, circumstances.stampers, circumstances.known)
        anchors, stampers, known = map(readable, given)
        finder = PathFinder((*anchors, *stampers), [*pool, *known])
        revocation = RevocationData(self.crls, self.responses, at_hand=circumstances.crls)
        return CertificateJudge(finder, revocation, frozenset(stampers) - frozenset(anchors))


def _archived(archival: bytes, tag: int) -> list[bytes]:
    """The members of the list under the explicit *tag* of Adobe's attribute (ISO 32000-2, 12.8.3.3.2); none when
    it is not well-formed."""
    try:
        tagged = [each for each in der.members(archival) if each[0] == 0xA0 | tag]
        lists = [each for one in tagged for each in der.members(der.element(der.SEQUENCE, der.contents(one)))]
        return [member for each in lists for member in der.members(each)]
    except (AuthorityError, IndexError):
        return []


_ALTERED = Sentence("A certificate that the signature carries is damaged.")
_ALTERED_LIST = Sentence("A revocation list that the signature carries is damaged.")
_UNREAD = Sentence("A certificate that the signature carries cannot be read here; it was not used.")
_UNREAD_LIST = Sentence("A revocation list that the signature carries cannot be read here; it was not used.")
_SERIAL = Sentence("The certificate of {name} has the serial number {serial}, which RFC 5280 does not allow.")


def defect_of_carried(
    message: SignedMessage, path: Iterable[x509.Certificate], finder: PathFinder
) -> Sentence | None:
    """What was altered in what *message* carries beside its signature, or None: a copy of a certificate that
    counts, or a list in the name of an authority that counts."""
    good = list(dict.fromkeys((*path, *finder.anchors)))
    if any(_is_altered(each, good, finder) for each in message.certificates):
        return _ALTERED
    return _ALTERED_LIST if any(_is_altered_list(each, good) for each in message.crls) else None


def remarks_on_carried(message: SignedMessage, path: Iterable[x509.Certificate]) -> list[Sentence]:
    """What cannot be read in what *message* carries and was not needed, and odd serial numbers on the *path*."""
    unread = [_UNREAD] if any(parsed(each) is None for each in message.certificates) else []
    unread += [_UNREAD_LIST] if any(_read_list(each) is None for each in message.crls) else []
    odd = (each for each in path if serial_of(each) <= 0)
    return [
        *unread,
        *(replace(_SERIAL, values={"name": shown_name(each), "serial": serial_of(each)}) for each in odd),
    ]


def _is_altered(encoded: bytes, good: list[x509.Certificate], finder: PathFinder) -> bool:
    """Whether it shares what one certificate alone has (its signed part, the signature value, or issuer and serial
    number) with one that counts and is another; or it claims name and issuer of one, and nobody issued it. An
    authority's may name another key than that one's issuer has: authorities change their keys."""
    certificate = parsed(encoded)
    others = [each for each in good if each != certificate]
    if certificate is None:
        return any(part in encoded for each in others for part in _own_parts(each))
    if certificate in good:
        return False
    identity = issuer_and_serial(certificate)
    if any(certificate.signature == each.signature or identity == issuer_and_serial(each) for each in others):
        return True
    claimed = [each for each in others if names_of(certificate) == names_of(each)]
    claimed = [each for each in claimed if not _is_by_other_key(certificate, each)]
    return bool(claimed) and not finder.issuers(certificate)


def _is_by_other_key(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether the second one is an authority's, and the first one names another key as its issuer's than that."""
    constraints = extension(authority, x509.BasicConstraints)
    keys = _authority_key(certificate), _authority_key(authority)
    return constraints is not None and constraints.value.ca and None not in keys and keys[0] != keys[1]


def _authority_key(certificate: x509.Certificate) -> bytes | None:
    """The identifier of the issuer's key (RFC 5280, 4.2.1.1), if it is stated."""
    stated = extension(certificate, x509.AuthorityKeyIdentifier)
    return stated.value.key_identifier if stated else None


@lru_cache(maxsize=256)
def _own_parts(certificate: x509.Certificate) -> tuple[bytes, bytes, bytes]:
    return certificate.tbs_certificate_bytes, certificate.signature, serial_and_issuer(certificate)


def _is_altered_list(encoded: bytes, good: list[x509.Certificate]) -> bool:
    """Whether it is in the name of an authority that counts, by its key as it says, and its signature does not
    hold. One that cannot be read is in nobody's name."""
    crl = _read_list(encoded)
    if crl is None:
        return False
    named = [each for each in good if each.subject == crl.issuer and _may_be_by(crl, each)]
    return bool(named) and not any(is_signed_by(crl, each) for each in named)


def _may_be_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    """Whether the key that the list names, if it names one, is the issuer's: authorities change their keys."""
    subject = extension(issuer, x509.SubjectKeyIdentifier)
    try:
        authority = crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except (x509.ExtensionNotFound, ValueError):
        return True
    return authority is None or subject is None or subject.value.digest == authority


@lru_cache(maxsize=64)
def _read_list(encoded: bytes) -> x509.CertificateRevocationList | None:
    try:
        if not is_canonical(encoded):
            return None
        crl = x509.load_der_x509_crl(encoded)
        _ = crl.issuer, crl.extensions
    except UNREADABLE:
        return None
    return crl
