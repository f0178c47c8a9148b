"""What runs out: the certificates of CAs and services, and the revocation lists, as the authority has them now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from hsm.client import AuthorityClient
from hsm.operation_types import AuthorityStatus
from hsm.vouching import EVENTS


class ExpiringKind(StrEnum):
    """What it is that runs out."""

    AUTHORITY = "authority"
    """The certificate of a CA."""

    SERVICE = "service"
    """The certificate of a service's key: timestamps, log, evidence."""

    LIST = "list"
    """A revocation list, which is made anew long before."""


@dataclass(frozen=True, slots=True)
class ExpiringItem:
    """One of them. ``name`` is the subject in the authority's words (``root``, ``issuing``, ``tsa``, …), ``label``
    what stands in the certificate, ``algorithm`` its key's (empty for a list); instants are aware."""

    kind: ExpiringKind
    name: str
    label: str
    algorithm: str
    begins: datetime
    ends: datetime
    serial: str = ""

    def days_left(self, now: datetime) -> int:
        """Whole days until it ends; negative afterwards."""
        return (self.ends - now).days

    def share_left(self, now: datetime) -> float:
        """What is left of its time, from 1 down to 0."""
        whole = (self.ends - self.begins).total_seconds()
        return min(1.0, max(0.0, (self.ends - now).total_seconds() / whole)) if whole > 0 else 0.0


def authorities_by_line(client: AuthorityClient, status: AuthorityStatus) -> dict[str, list[x509.Certificate]]:
    """The issuing CAs, those for event certificates and the root, each line with the newest first. No OID tells
    them apart: settings name any, and may have named others before. Raises :class:`AuthorityError`."""
    *issuing, root = client.authorities()
    newest = [client.certificate(key.subject) for key in status.keys if key.subject.startswith(EVENTS)]
    begins = issuing.index(newest[0]) if newest else len(issuing)
    lines = {"issuing": issuing[:begins], EVENTS: issuing[begins:], "root": [root]}
    return {name: [x509.load_der_x509_certificate(each) for each in line] for name, line in lines.items()}


def expiring_items(client: AuthorityClient, status: AuthorityStatus) -> list[ExpiringItem]:
    """Everything, the first to end at the top. Raises :class:`AuthorityError` without an answer."""
    found = []
    for name, line in authorities_by_line(client, status).items():
        found += [_certificate(ExpiringKind.AUTHORITY, name, each) for each in line]
    for key in status.keys:
        if key.subject != "root" and not key.subject.startswith(("issuing", EVENTS)):
            certificate = x509.load_der_x509_certificate(client.certificate(key.subject))
            found.append(_certificate(ExpiringKind.SERVICE, key.subject, certificate))
    for crl in map(x509.load_der_x509_crl, client.crls()):
        if ends := crl.next_update_utc:
            label = _common_name(crl.issuer)
            found.append(ExpiringItem(ExpiringKind.LIST, "list", label, "", crl.last_update_utc, ends))
    return sorted(found, key=lambda each: each.ends)


def _certificate(kind: ExpiringKind, name: str, certificate: x509.Certificate) -> ExpiringItem:
    return ExpiringItem(
        kind=kind,
        name=name,
        label=_common_name(certificate.subject),
        algorithm=_algorithm(certificate),
        begins=certificate.not_valid_before_utc,
        ends=certificate.not_valid_after_utc,
        serial=f"{certificate.serial_number:x}",
    )


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()


def _algorithm(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ECDSA {key.curve.name}"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    return "Ed25519" if isinstance(key, ed25519.Ed25519PublicKey) else type(key).__name__
