"""Which certificate a signature names under its own protection: ESSCertID and ESSCertIDv2 (RFC 2634, RFC 5035)."""

from __future__ import annotations

from hsm import der
from hsm.cms.model import DIGEST_OIDS, SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2, SignatureRefused, SignedMessage
from hsm.errors import Malformed

_DIGEST_NAMES = {der.oid(dotted): name for name, dotted in DIGEST_OIDS.items()}


def certificate_digests(message: SignedMessage) -> list[tuple[str, bytes]]:
    """The hashes (name and value) that the signer's certificate must have; two when both forms are signed.

    The first ESSCertID names the signer, later ones its issuers (RFC 5035, 3). SHA-1 of the old form is taken, as
    the authorities of others still send it. Raises :class:`SignatureRefused` when nothing names the signer.
    """
    found = []
    if SIGNING_CERTIFICATE_V2 in message.attributes:
        found.append(_version_2(_first(message.only(SIGNING_CERTIFICATE_V2))))
    if SIGNING_CERTIFICATE in message.attributes:
        found.append(("sha1", _octets(_first(message.only(SIGNING_CERTIFICATE))[0])))
    if not found:
        raise SignatureRefused("The signature does not name its certificate (no signed ESSCertID).")
    return found


def _first(signing_certificate: bytes) -> list[bytes]:
    outer = der.members(signing_certificate)
    identifiers = der.members(outer[0]) if outer else []
    parts = der.members(identifiers[0]) if identifiers else []
    if not parts:
        raise Malformed("The signing certificate attribute is empty.")
    return parts


def _version_2(parts: list[bytes]) -> tuple[str, bytes]:
    if parts[0][0] == der.OCTET_STRING:
        return "sha256", _octets(parts[0])
    algorithm = der.members(parts[0])
    name = _DIGEST_NAMES.get(algorithm[0]) if algorithm else None
    if name is None or len(parts) < 2:
        raise Malformed("The signing certificate attribute uses an unknown hash.")
    return name, _octets(parts[1])


def _octets(element: bytes) -> bytes:
    return der.decode(bytes, element)
