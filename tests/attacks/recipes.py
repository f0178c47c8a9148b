"""Signed messages (CMS) built part by part, so that each part can be wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from hsm import der
from tests.attacks.victims import GOOD
from tests.verification.authorities import Identity

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "md5": hashes.MD5(),  # noqa: S303 - what is tested
    "sha1": hashes.SHA1(),  # noqa: S303 - what is tested
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
Attributes = list[cms.CMSAttribute]


@dataclass(frozen=True)
class Recipe:
    """How a message is to be; the defaults make a good one (CAdES, B-B).

    ``named`` is the certificate that the signed attributes name, ``claims`` the one that the signer identifier
    names; both the signer's own by default. ``attributes`` and ``unsigned`` edit the attributes, ``finish`` the
    whole message, ``value`` gives another signature value for the bytes to sign.
    """

    signer: Identity = GOOD.signer
    chain: Sequence[Identity] = (GOOD.issuing,)
    digest: str = "sha256"
    signature: str = ""
    named: Identity | None = None
    claims: Identity | None = None
    sort: bool = True
    attributes: Callable[[Attributes], Attributes] = list
    unsigned: Callable[[bytes], Attributes] | None = None
    value: Callable[[bytes], bytes] | None = None
    signers: Callable[[cms.SignerInfo], list[cms.SignerInfo]] = lambda one: [one]
    finish: Callable[[cms.SignedData], None] = lambda signed: None
    content_type: str = "data"
    content: bytes | None = None

    def __call__(self, covered: bytes) -> bytes:
        """The message (DER) about *covered*."""
        digest = hashlib.new(self.digest, covered).digest()
        listed = self.attributes(self._attributes(digest))
        encoded = sorted(each.dump() for each in listed) if self.sort else [each.dump() for each in listed]
        signed_attrs = der.element(der.SET, b"".join(encoded))
        value = (self.value or self._signature)(signed_attrs)
        info = self._signer_info(signed_attrs, value)
        return self._message(info)

    def _attributes(self, digest: bytes) -> Attributes:
        return [
            attribute("content_type", [cms.ContentType(self.content_type)]),
            attribute("message_digest", [core.OctetString(digest)]),
            signing_certificate(self.named or self.signer),
        ]

    def _signature(self, data: bytes) -> bytes:
        return sign(self.signer.key, data, self.digest)

    def _signer_info(self, signed_attrs: bytes, value: bytes) -> cms.SignerInfo:
        certificate = asn1_x509.Certificate.load((self.claims or self.signer).der)
        named = cms.IssuerAndSerialNumber(
            {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
        )
        kind = self.signature or ("rsassa_pkcs1v15" if isinstance(self.signer.key, rsa.RSAPrivateKey) else "ecdsa")
        name = {"ecdsa": f"{self.digest}_ecdsa", "rsassa_pkcs1v15": "rsassa_pkcs1v15"}.get(kind, kind)
        info: dict[str, Any] = {
            "version": "v1",
            "sid": cms.SignerIdentifier("issuer_and_serial_number", named),
            "digest_algorithm": algos.DigestAlgorithm({"algorithm": self.digest}),
            "signed_attrs": cms.CMSAttributes.load(signed_attrs),
            "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": name}),
            "signature": value,
        }
        if self.unsigned:
            info["unsigned_attrs"] = cms.CMSAttributes(self.unsigned(value))
        return cms.SignerInfo(info)

    def _message(self, info: cms.SignerInfo) -> bytes:
        encapsulated: dict[str, Any] = {"content_type": self.content_type}
        if self.content is not None:
            kind = core.OctetString if self.content_type == "data" else core.ParsableOctetString
            encapsulated["content"] = kind(self.content)
        certificates = [asn1_x509.Certificate.load(each.der) for each in (self.signer, *self.chain)]
        signed = cms.SignedData(
            {
                "version": "v1" if self.content_type == "data" else "v3",
                "digest_algorithms": [algos.DigestAlgorithm({"algorithm": self.digest})],
                "encap_content_info": encapsulated,
                "certificates": [cms.CertificateChoices("certificate", each) for each in certificates],
                "signer_infos": self.signers(info),
            }
        )
        self.finish(signed)
        return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump())


def attribute(name: str, values: list[Any]) -> cms.CMSAttribute:
    """One attribute; *name* as asn1crypto has it, or a dotted OID."""
    return cms.CMSAttribute({"type": name, "values": values})


def signing_certificate(identity: Identity, hash_name: str = "sha256") -> cms.CMSAttribute:
    """SigningCertificateV2 (RFC 5035) naming *identity*."""
    identifier = tsp.ESSCertIDv2({"cert_hash": hashlib.new(hash_name, identity.der).digest()})
    if hash_name != "sha256":
        identifier["hash_algorithm"] = algos.DigestAlgorithm({"algorithm": hash_name})
    return attribute("signing_certificate_v2", [tsp.SigningCertificateV2({"certs": [identifier]})])


def sign(key: PrivateKeyTypes, data: bytes, digest: str = "sha256") -> bytes:
    """PKCS#1 v1.5 or ECDSA."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), _HASHES[digest])
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key.sign(data, ec.ECDSA(_HASHES[digest]))


def timestamped(token_about: Callable[[bytes], bytes]) -> Callable[[bytes], Attributes]:
    """Unsigned attributes with the token that *token_about* gives for the signature value."""

    def attributes(value: bytes) -> Attributes:
        return [attribute("signature_time_stamp_token", [cms.ContentInfo.load(token_about(value))])]

    return attributes
