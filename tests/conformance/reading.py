"""Replies and tokens read by other people's code: asn1crypto for the values, our second opinion for DER.

asn1crypto's own strictness passes long-form lengths and the like, and its re-encoding of a token takes a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from asn1crypto import cms, tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from tests.conformance.oracle import elements, only, require_der

FAIL_INFO = {
    "bad_alg": 0,
    "bad_request": 2,
    "bad_data_format": 5,
    "time_not_available": 14,
    "unaccepted_policy": 15,
    "unaccepted_extensions": 16,
    "add_info_not_available": 17,
    "system_failure": 25,
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """``fail_info`` is the number of the one bit that is set."""

    fail_info: int
    text: str


@dataclass(frozen=True, slots=True)
class Token:
    """A granted token, parsed: ``signed_data`` and ``tst_info`` are asn1crypto's, ``der`` the ContentInfo."""

    der: bytes
    signed_data: Any
    tst_info: Any
    content: bytes

    @property
    def signer_info(self) -> Any:
        return self.signed_data["signer_infos"][0]

    @property
    def certificates(self) -> list[x509.Certificate]:
        bag = self.signed_data["certificates"]
        return [] if not bag else [x509.load_der_x509_certificate(each.chosen.dump()) for each in bag]

    def attribute(self, name: str) -> list[Any]:
        """The values of the one signed attribute *name*."""
        found = [each for each in self.signer_info["signed_attrs"] if each["type"].native == name]
        assert len(found) == 1, f"{len(found)} attributes {name}"
        return list(found[0]["values"])

    def signed_bytes(self) -> bytes:
        """What the signature covers: the signed attributes as a SET (RFC 5652, 5.4)."""
        encoded: bytes = self.signer_info["signed_attrs"].dump()
        return b"\x31" + encoded[1:]

    def require_signature_of(self, certificate: x509.Certificate) -> None:
        """Fails unless *certificate*'s key made the signature."""
        key, signature = certificate.public_key(), self.signer_info["signature"].native
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, self.signed_bytes(), padding.PKCS1v15(), hashes.SHA256())
        else:
            assert isinstance(key, ec.EllipticCurvePublicKey)
            key.verify(signature, self.signed_bytes(), ec.ECDSA(hashes.SHA256()))


def read(reply: bytes) -> Token | Refusal:
    """The one or the other; fails for replies that are not DER, or are both, or "granted with mods"."""
    require_der(reply)
    first, *rest = elements(only(reply, 0x30).body)
    status = tsp.PKIStatusInfo.load(first.whole, strict=True)
    if status["status"].native == "granted":
        assert status["fail_info"].native is None
        (token,) = rest
        return read_token(token.whole)
    assert status["status"].native == "rejection", "neither granted nor rejected"
    assert not rest, "a refusal with a token"
    (bit,) = status["fail_info"].native
    return Refusal(FAIL_INFO[bit], " ".join(status["status_string"].native))


def read_token(der: bytes) -> Token:
    """A ContentInfo with SignedData over a TSTInfo."""
    info = cms.ContentInfo.load(der, strict=True)
    assert info["content_type"].native == "signed_data"
    signed = info["content"]
    assert signed["encap_content_info"]["content_type"].native == "tst_info"
    content = signed["encap_content_info"]["content"].contents
    require_der(content)
    return Token(der, signed, tsp.TSTInfo.load(content, strict=True), content)


def granted(reply: bytes) -> Token:
    """The token; fails for a refusal."""
    found = read(reply)
    assert isinstance(found, Token), found
    return found


def refused(reply: bytes) -> Refusal:
    """The refusal; fails for a token."""
    found = read(reply)
    assert isinstance(found, Refusal), "a token was given"
    return found
