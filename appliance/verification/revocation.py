"""What is known about revocation: lists (RFC 5280, 6.3) and responses (RFC 6960) at hand. Nothing is fetched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from itertools import pairwise

from asn1crypto.keys import PublicKeyInfo
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import CRLEntryExtensionOID, ExtendedKeyUsageOID, ExtensionOID

from appliance.verification.trust import UNREADABLE, extension, issued_by, serial_of
from hsm import der

_UNDERSTOOD = frozenset(
    {ExtensionOID.CRL_NUMBER, ExtensionOID.AUTHORITY_KEY_IDENTIFIER, ExtensionOID.ISSUING_DISTRIBUTION_POINT}
)

_OF_ENTRIES = frozenset({CRLEntryExtensionOID.CRL_REASON, CRLEntryExtensionOID.INVALIDITY_DATE})

_OF_LISTS = frozenset({ExtensionOID.CRL_NUMBER, ExtensionOID.AUTHORITY_KEY_IDENTIFIER})

_CRITICAL = b"\x01\x01\xff"
"""BOOLEAN TRUE, which is in each critical extension (RFC 5280, 4.1)."""

_COMPROMISED = frozenset({x509.ReasonFlags.key_compromise, x509.ReasonFlags.ca_compromise})


class RevocationKnowledge(Enum):
    """What the data at hand says about a certificate."""

    GOOD = "good"
    REVOKED = "revoked"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class RevocationStatus:
    """``since`` is the revocation's date; ``made`` when the data that says so was made (latest first); ``carried``
    when the file itself has data about the certificate."""

    known: RevocationKnowledge
    since: datetime | None = None
    made: datetime | None = None
    carried: bool = False


NOTHING = RevocationStatus(RevocationKnowledge.NOTHING)


class RevocationData:
    """Lists and responses (DER) from the file, and lists *at_hand*, of whoever asks; what cannot be read or is not
    signed by the right authority says nothing."""

    def __init__(
        self, crls: Iterable[bytes] = (), responses: Iterable[bytes] = (), *, at_hand: Iterable[bytes] = ()
    ) -> None:
        carried = frozenset(crls := tuple(crls))
        read = ((each in carried, _read_list(each)) for each in dict.fromkeys((*crls, *at_hand)))
        # with its issuer: `cryptography` builds names anew at every access
        self._lists = [(crl.issuer, crl, own) for own, crl in read if crl is not None]
        self._answers = [each for each in map(_read_response, dict.fromkeys(responses)) if each is not None]
        self._signed: dict[tuple[int, x509.Certificate], bool] = {}
        self._understood: dict[int, bool] = {}

    def status(self, certificate: x509.Certificate, issuer: x509.Certificate, at: datetime) -> RevocationStatus:
        """What is known for the moment *at*: a revocation dated later than that is none yet."""
        named = certificate.issuer
        found = [
            *((self._by_list(each, certificate, issuer), own) for name, each, own in self._lists if name == named),
            *((_by_response(each, certificate, issuer), True) for each in self._answers),
        ]
        telling = [(each, own) for each, own in found if each.known is not RevocationKnowledge.NOTHING]
        if not telling:
            return NOTHING
        carried = any(own for _, own in telling)
        revoked = [
            each
            for each, _ in telling
            if each.known is RevocationKnowledge.REVOKED and each.since and each.since <= at
        ]
        if revoked:
            return replace(min(revoked, key=lambda each: each.since or at), carried=carried)
        made = max(each.made for each, _ in telling if each.made)
        return RevocationStatus(RevocationKnowledge.GOOD, made=made, carried=carried)

    def _by_list(
        self, crl: x509.CertificateRevocationList, certificate: x509.Certificate, issuer: x509.Certificate
    ) -> RevocationStatus:
        """What a list by who is named as the issuer of *certificate* says."""
        if not _covers(crl, certificate) or not self._is_signed(crl, issuer):
            return NOTHING
        entry = _entry(crl, serial_of(certificate))
        if entry is None and not (_has_all(crl, certificate) and self._is_understood(crl)):
            return NOTHING
        if entry is None or _reason(entry) is x509.ReasonFlags.remove_from_crl:
            return RevocationStatus(RevocationKnowledge.GOOD, made=crl.last_update_utc)
        return RevocationStatus(RevocationKnowledge.REVOKED, since=harmful_since(entry), made=crl.last_update_utc)

    def _is_signed(self, crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
        key = (id(crl), issuer)
        if key not in self._signed:
            self._signed[key] = crl_is_by(crl, issuer)
        return self._signed[key]

    def _is_understood(self, crl: x509.CertificateRevocationList) -> bool:
        if id(crl) not in self._understood:
            self._understood[id(crl)] = _entries_are_understood(crl)
        return self._understood[id(crl)]


def _entries_are_understood(crl: x509.CertificateRevocationList) -> bool:
    """Whether no entry has a critical extension but a reason or a date of invalidity: else nobody counts as not
    revoked by the list (RFC 5280, 5.3). Who is on it stands as revoked all the same."""
    if _CRITICAL not in crl.tbs_certlist_bytes:
        return True
    try:
        return all(not each.critical or each.oid in _OF_ENTRIES for entry in crl for each in entry.extensions)
    except UNREADABLE:
        return False


def _entry(crl: x509.CertificateRevocationList, serial: int) -> x509.RevokedCertificate | None:
    """The list's entry about *serial*; `cryptography` finds no negative one, and raises OverflowError."""
    if serial < 0:
        return next((each for each in crl if each.serial_number == serial), None)
    return crl.get_revoked_certificate_by_serial_number(serial)


def are_lists_by(crls: Iterable[bytes], issuers: Iterable[x509.Certificate], /) -> bool:
    """Whether each of *crls* (DER) can be read, names the time when the next one is due (RFC 5280, 5.1.2.5), is
    about everything that its issuer has issued, and was signed by one of *issuers*."""
    known = tuple(issuers)
    lists = map(_read_list, crls)
    return all(crl is not None and _is_whole(crl) and any(crl_is_by(crl, each) for each in known) for crl in lists)


def _is_whole(crl: x509.CertificateRevocationList) -> bool:
    """Whether it is no part of a list, and has nothing that programs read differently: its number, the identifier
    of its issuer's key alone, and each certificate once, with reason and invalidity date; nothing critical."""
    try:
        more = [(each, _OF_LISTS) for each in crl.extensions]
        more += [(each, _OF_ENTRIES) for entry in crl for each in entry.extensions]
        plain = all(each.oid in known and not each.critical for each, known in more)
        keys = [each.value for each, _ in more if isinstance(each.value, x509.AuthorityKeyIdentifier)]
        alone = (x509.AuthorityKeyIdentifier(each.key_identifier, None, None) for each in keys)
        plain = plain and keys == [each for each in alone if each.key_identifier]
        plain = plain and not any(_reason(entry) is x509.ReasonFlags.remove_from_crl for entry in crl)
        once = len({entry.serial_number for entry in crl}) == len(crl)
    except UNREADABLE:
        return False
    return crl.next_update_utc is not None and plain and once


def without_current_list(
    paths: Iterable[Sequence[x509.Certificate]], crls: Iterable[bytes], at: datetime | None
) -> x509.Certificate | None:
    """The first certificate of *paths*, which end with their anchors, about which none of *crls* (DER) speaks that
    counted *at* that moment: signed by who issued the certificate and with the key that it names, made by
    then, its successor not yet due. None for *at*: whenever the list counted."""
    read = [crl for crl in map(_read_list, crls) if crl is not None]
    lists = [crl for crl in read if _entries_are_understood(crl) and (at is None or _counts(crl, at))]
    for certificate, issuer in dict.fromkeys(pair for path in paths for pair in pairwise(path)):
        about = [crl for crl in lists if _covers(crl, certificate) and _has_all(crl, certificate)]
        if not any(crl_is_by(crl, issuer) and _names(crl, issuer) for crl in about):
            return certificate
    return None


def _counts(crl: x509.CertificateRevocationList, at: datetime) -> bool:
    """From its date until the next one is due."""
    return crl.next_update_utc is not None and crl.last_update_utc <= at < crl.next_update_utc


def _names(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    """Whether the key of *issuer* is the one that the list says it was signed with, if it says so."""
    try:
        said = crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        key = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return True
    except ValueError:
        return False
    return said.key_identifier in (None, key.digest)


def crl_is_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    """Whether *issuer* may sign lists and signed this one."""
    usage = extension(issuer, x509.KeyUsage)
    if crl.issuer != issuer.subject or (usage is not None and not usage.value.crl_sign):
        return False
    return is_signed_by(crl, issuer)


def is_signed_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    """Whether the list was signed with the key of *issuer*, whatever that one may sign."""
    try:
        return crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]  # other keys raise TypeError
    except (UnsupportedAlgorithm, TypeError, ValueError):
        return False


def harmful_since(entry: x509.RevokedCertificate) -> datetime:
    """From when on what the certificate signed is not to be believed: its revocation or, where a key is in other
    hands, the date since when (RFC 5280, 5.3.2), if that is earlier."""
    reason = _reason(entry)
    for each in entry.extensions:
        if reason in _COMPROMISED and isinstance(each.value, x509.InvalidityDate):
            return min(entry.revocation_date_utc, each.value.invalidity_date_utc)
    return entry.revocation_date_utc


def _read_list(data: bytes) -> x509.CertificateRevocationList | None:
    try:
        crl = x509.load_der_x509_crl(data)
        _ = crl.issuer, crl.last_update_utc
        understood = all(not each.critical or each.oid in _UNDERSTOOD for each in crl.extensions)
    except UNREADABLE:
        return None
    return crl if understood else None


def _covers(crl: x509.CertificateRevocationList, certificate: x509.Certificate) -> bool:
    """RFC 5280, 6.3.3 (b): the list's scope; indirect lists and lists of some reasons only are not used."""
    try:
        scope = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value
    except x509.ExtensionNotFound:
        return True
    except ValueError:
        return False
    constraints = extension(certificate, x509.BasicConstraints)
    authority = constraints is not None and constraints.value.ca
    partial = scope.indirect_crl or scope.only_contains_attribute_certs or scope.only_some_reasons
    wrong_kind = scope.only_contains_user_certs if authority else scope.only_contains_ca_certs
    return not partial and not wrong_kind


def _has_all(crl: x509.CertificateRevocationList, certificate: x509.Certificate) -> bool:
    """Whether *certificate* would be on the list if it was revoked: not on one of changes alone (RFC 5280, 5.2.4),
    nor on one of several into which its issuer has divided what it issued, at a place that it does not name."""
    scope = None
    for each in crl.extensions:
        if each.oid == ExtensionOID.DELTA_CRL_INDICATOR:
            return False
        if isinstance(each.value, x509.IssuingDistributionPoint):
            scope = each.value
    if scope is None:
        return True
    if scope.relative_name is not None:
        return False
    if scope.full_name is None:
        return True
    told = extension(certificate, x509.CRLDistributionPoints)
    points = () if told is None else told.value
    return any(
        each.reasons is None
        and each.crl_issuer is None
        and not {*scope.full_name}.isdisjoint(each.full_name or ())
        for each in points
    )


def _reason(entry: x509.RevokedCertificate) -> x509.ReasonFlags | None:
    for each in entry.extensions:
        if each.oid == CRLEntryExtensionOID.CRL_REASON and isinstance(each.value, x509.CRLReason):
            return each.value.reason
    return None


def _read_response(data: bytes) -> ocsp.OCSPResponse | None:
    """From the whole OCSPResponse or, as some stores have it, the BasicOCSPResponse alone."""
    try:
        response = ocsp.load_der_ocsp_response(data)
        return response if response.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL else None
    except UNREADABLE:
        pass
    try:
        return ocsp.load_der_ocsp_response(_whole(data))
    except UNREADABLE:
        return None


def _whole(basic: bytes) -> bytes:
    """The successful OCSPResponse (RFC 6960, 4.2.1) around a BasicOCSPResponse."""
    kind = der.element(der.SEQUENCE, der.oid("1.3.6.1.5.5.7.48.1.1"), der.element(der.OCTET_STRING, basic))
    return der.element(der.SEQUENCE, b"\x0a\x01\x00", der.element(0xA0, kind))


def _by_response(
    response: ocsp.OCSPResponse, certificate: x509.Certificate, issuer: x509.Certificate
) -> RevocationStatus:
    try:
        for single in response.responses:
            if _is_about(single, certificate, issuer) and _response_is_by(response, issuer):
                return _told(single, response.produced_at_utc)
    except UNREADABLE:
        return NOTHING
    return NOTHING


def _told(single: ocsp.OCSPSingleResponse, made: datetime) -> RevocationStatus:
    if single.certificate_status is ocsp.OCSPCertStatus.GOOD:
        return RevocationStatus(RevocationKnowledge.GOOD, made=single.this_update_utc)
    if single.certificate_status is ocsp.OCSPCertStatus.REVOKED:
        since = single.revocation_time_utc or datetime.min.replace(tzinfo=UTC)
        return RevocationStatus(RevocationKnowledge.REVOKED, since=since, made=made)
    return NOTHING


def _is_about(single: ocsp.OCSPSingleResponse, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    if single.serial_number != serial_of(certificate):
        return False
    digest = hashes.Hash(single.hash_algorithm)
    key_bits = issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    name = digest.copy()
    name.update(certificate.issuer.public_bytes())
    digest.update(bytes(PublicKeyInfo.load(key_bits)["public_key"].contents[1:]))
    return name.finalize() == single.issuer_name_hash and digest.finalize() == single.issuer_key_hash


def _response_is_by(response: ocsp.OCSPResponse, issuer: x509.Certificate) -> bool:
    """RFC 6960, 4.2.2.2: the issuer itself, or a responder that it made one by a certificate."""
    for responder in (issuer, *response.certificates):
        if _verifies(response, responder) and (responder == issuer or _is_delegate(responder, issuer)):
            return True
    return False


def _is_delegate(responder: x509.Certificate, issuer: x509.Certificate) -> bool:
    usage = extension(responder, x509.ExtendedKeyUsage)
    return usage is not None and ExtendedKeyUsageOID.OCSP_SIGNING in usage.value and issued_by(responder, issuer)


def _verifies(response: ocsp.OCSPResponse, responder: x509.Certificate) -> bool:
    key, algorithm = responder.public_key(), response.signature_hash_algorithm
    try:
        match key:
            case rsa.RSAPublicKey() if algorithm:
                key.verify(response.signature, response.tbs_response_bytes, padding.PKCS1v15(), algorithm)
            case ec.EllipticCurvePublicKey() if algorithm:
                key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(algorithm))
            case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
                key.verify(response.signature, response.tbs_response_bytes)
            case _:
                return False
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True
