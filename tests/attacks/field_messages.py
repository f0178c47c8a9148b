"""Good signatures as software in the field makes them: parts of a message that nobody signs are odd, carry more
than is needed, or say what is not judged here. Each passes, with a warning where it departs from a standard."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import cache, partial

from asn1crypto import algos, cms, core, tsp
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed448, ed25519, padding, rsa
from cryptography.x509 import ocsp

from appliance.verification import Level
from hsm import der
from tests.attacks.cryptography import RSA
from tests.attacks.good import by_openssl, register
from tests.attacks.recipes import Attributes, Recipe, attribute, sign, signing_certificate, timestamped
from tests.attacks.registry import Attempt
from tests.attacks.revocation import response
from tests.attacks.timestamps import IGNORED, token
from tests.attacks.victims import GOOD
from tests.attacks.writing import signed_by_hand
from tests.verification.authorities import (
    NOW,
    START,
    Identity,
    Profile,
    authority,
    issue,
    revocation_list,
    tsa_profile,
)
from tests.verification.documents import Signing, plain
from tests.verification.documents import sign as sign_pdf
from tests.verification.reencoding import as_ber, outermost

_FAMILY = "messages in the field"
Finish = Callable[[cms.SignedData], None]
RECORD = "1.2.840.113549.1.9.16.2.49"
POLICY = "1.2.840.113549.1.9.16.2.15"
CERTIFICATE_VALUES = "1.2.840.113549.1.9.16.2.23"
_SHA256 = der.element(der.SEQUENCE, der.oid("2.16.840.1.101.3.4.2.1"))
_GOOD = Recipe()


def by_key_identifier(signed: cms.SignedData, *, versions: tuple[str, str] = ("v1", "v1")) -> None:
    """The signer named by the identifier of the key; *versions* of the message and of the signer."""
    identifier = GOOD.signer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    signer = signed["signer_infos"][0]
    signer["sid"] = cms.SignerIdentifier("subject_key_identifier", identifier)
    signed["version"], signer["version"] = versions


Parts = list[bytes]
"""The elements of a SignedData: version, digests, content, [0] certificates, [1] lists if any, signers."""


def edited(edit: Callable[[Parts], Parts], recipe: Callable[[bytes], bytes] = _GOOD) -> Callable[[bytes], bytes]:
    """What *recipe* makes, with its SignedData edited."""

    def make(covered: bytes) -> bytes:
        kind, content = der.members(recipe(covered))
        parts = edit(der.members(der.contents(content)))
        return der.element(der.SEQUENCE, kind, der.element(0xA0, der.element(der.SEQUENCE, *parts)))

    return make


def carrying(*others: bytes, version: int = 1, first: bool = False) -> Callable[[bytes], bytes]:
    """The good message with more in the place of certificates."""

    def edit(parts: Parts) -> Parts:
        own = der.contents(parts[3])
        bag = der.element(0xA0, *((*others, own) if first else (own, *others)))
        return [der.integer(version), *parts[1:3], bag, *parts[4:]]

    return edited(edit)


def with_lists(*lists: bytes, version: int = 1) -> Callable[[bytes], bytes]:
    """The good message with these in the place of revocation lists."""
    return edited(lambda parts: [der.integer(version), *parts[1:4], der.element(0xA1, *lists), *parts[4:]])


def numbered(serial: int, identity: Identity, issuer: Identity) -> Identity:
    """The certificate of *identity* with another serial number, signed by *issuer*."""
    made = asn1_x509.Certificate.load(identity.der)
    made["tbs_certificate"]["serial_number"] = serial
    made["signature_value"] = sign(issuer.key, made["tbs_certificate"].dump(force=True))
    return Identity(_loaded(made.dump(force=True)), identity.key)


def _loaded(encoded: bytes) -> x509.Certificate:
    import warnings  # noqa: PLC0415  # for the one call that warns

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return x509.load_der_x509_certificate(encoded)


def first_version(crl: bytes, issuer: Identity) -> bytes:
    """*crl* as a list of version 1, which has no extensions, signed by *issuer*."""
    made = asn1_crl.CertificateList.load(crl)
    made["tbs_cert_list"]["version"] = made["tbs_cert_list"]["crl_extensions"] = None
    made["signature"] = sign(issuer.key, made["tbs_cert_list"].dump(force=True))
    return bytes(made.dump(force=True))


def unsigned(name: str, value: core.Asn1Value) -> Callable[[bytes], Attributes]:
    return lambda _: [attribute(name, [value])]


def record() -> core.Asn1Value:
    """An evidence record (RFC 4998, 4.1) of one archive timestamp, over whatever."""
    stamp = der.element(der.SEQUENCE, token(b"what it keeps"))
    chains = der.element(der.SEQUENCE, der.element(der.SEQUENCE, stamp))
    return core.load(der.element(der.SEQUENCE, der.integer(1), der.element(der.SEQUENCE, _SHA256), chains))


def under_policy(*parts: bytes) -> Callable[[Attributes], Attributes]:
    """A signature policy among the signed attributes: an identifier with its hash, or NULL (implied)."""
    value = der.element(der.SEQUENCE, *parts) if parts else der.NULL
    return lambda listed: [*listed, attribute(POLICY, [core.load(value)])]


_HASH = der.element(der.SEQUENCE, _SHA256, der.element(der.OCTET_STRING, bytes(32)))
EXPLICIT = (der.oid("1.2.3.4.5"), _HASH)
_UNREAD = der.element(der.SEQUENCE, der.element(der.SEQUENCE, der.integer(7)), der.NULL, b"\x03\x02\x00\x01")
_ATTRIBUTES = der.members(GOOD.other.der)[0]  # any SEQUENCE serves: nobody looks into them
_CROSS = authority("Issuing CA", authority("Other Root"), key=GOOD.issuing.key)
_ZERO = numbered(0, GOOD.signer, GOOD.issuing)
_NEGATIVE = numbered(-5, GOOD.signer, GOOD.issuing)
_OLD_KEY = authority("Issuing CA", key=issue(Profile("old key")).key)
_OLD_ROOT = authority("Root CA", key=issue(Profile("old root")).key)
_BY_OLD_ROOT = authority("Issuing CA", _OLD_ROOT, key=_OLD_KEY.key)
_FIRST_LIST = first_version(GOOD.revocations[1], GOOD.issuing)
_UNKNOWN_KIND = der.element(0xA1, der.oid("1.2.3.4"), der.NULL)


def ocsp_in_message(status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD) -> bytes:
    """An OCSP response in the place of a revocation list (RFC 5940)."""
    return der.element(0xA1, der.oid("1.3.6.1.5.5.7.16.2"), response(status))


_LOWER, _ATTRIBUTE = "a lower version", "attribute certificates"
_MESSAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "by key identifier, both of version 1": (Recipe(finish=by_key_identifier), _LOWER),
    "by key identifier, the signer of version 3": (
        Recipe(finish=partial(by_key_identifier, versions=("v1", "v3"))), _LOWER
    ),
    "by key identifier, the message of version 3": (
        Recipe(finish=partial(by_key_identifier, versions=("v3", "v1"))), _LOWER
    ),
    "by key identifier, as it should be": (Recipe(finish=partial(by_key_identifier, versions=("v3", "v3"))), ""),
    "attribute certificates, version 4": (
        carrying(der.element(0xA2, _ATTRIBUTES), version=4), _ATTRIBUTE
    ),
    "attribute certificates, version 1": (carrying(der.element(0xA2, _ATTRIBUTES)), _LOWER),
    "old attribute certificates, version 3": (
        carrying(der.element(0xA1, _ATTRIBUTES), version=3), _ATTRIBUTE
    ),
    "certificates of another kind": (
        carrying(der.element(0xA3, der.oid("1.2.3.4"), der.NULL), version=5), "another kind"
    ),
    "a certificate that nobody reads": (carrying(_UNREAD), "cannot be read"),
    "something small among the certificates": (carrying(b"\x30\x00"), "cannot be read"),
    "a certificate twice": (carrying(GOOD.issuing.der), "same certificate twice"),
    "serial number 0": (Recipe(signer=_ZERO), "serial number 0"),
    "a negative serial number": (Recipe(signer=_NEGATIVE), "serial number -5"),
    "a cross certificate of the authority, by a root that nobody knows": (
        Recipe(chain=(GOOD.issuing, _CROSS)), ""
    ),
    "another certificate of the signer, by an authority that nobody knows": (
        Recipe(chain=(GOOD.issuing, issue(Profile("张示例", key=GOOD.signer.key), authority("Other CA")))), ""
    ),
    "the authority's certificate by the key that its root had before": (carrying(_BY_OLD_ROOT.der), ""),
    "a list of version 1": (with_lists(_FIRST_LIST), ""),
    "a list that nobody reads": (with_lists(_UNREAD), "revocation list"),
    "a list by the authority's key before": (
        with_lists(revocation_list(_OLD_KEY), GOOD.revocations[1]), ""
    ),
    "an OCSP response among the lists": (
        with_lists(ocsp_in_message(), version=5), ""
    ),
    "revocation data of another kind": (
        with_lists(_UNKNOWN_KIND, version=5), "revocation data of a kind"
    ),
    "an evidence record": (Recipe(unsigned=unsigned(RECORD, record())), "RFC 4998"),
    "certificate values": (Recipe(unsigned=unsigned(CERTIFICATE_VALUES, core.Null())), CERTIFICATE_VALUES),
    "under a policy": (Recipe(attributes=under_policy(*EXPLICIT)), "1.2.3.4.5"),
    "under an implied policy": (Recipe(attributes=under_policy()), POLICY),
}  # fmt: skip
for _name, (_make, _warns) in _MESSAGES.items():
    register(_FAMILY, _name, partial(signed_by_hand, _make, room=16000), Level.B, _warns)
register(
    _FAMILY, "openssl cms -keyid",
    lambda: signed_by_hand(lambda covered: by_openssl(covered, "-cades", "-keyid")), Level.B,
)  # fmt: skip


def naming(hash_name: str, signer: Identity = GOOD.signer) -> Callable[[Attributes], Attributes]:
    """The signer's certificate named by another hash (ESSCertIDv2)."""
    return lambda listed: [*listed[:2], signing_certificate(signer, hash_name)]


def named_by_sha1(listed: Attributes) -> Attributes:
    """The signer's certificate named as before RFC 5035 (ESSCertID), which has no other hash."""
    identifier = tsp.ESSCertID({"cert_hash": hashlib.sha1(GOOD.signer.der).digest()})  # noqa: S324
    return [*listed[:2], attribute("signing_certificate", [tsp.SigningCertificate({"certs": [identifier]})])]


register(
    _FAMILY, "the certificate named by SHA-1, which the attribute could have named otherwise",
    lambda: signed_by_hand(Recipe(attributes=naming("sha1"))), Level.B, "by SHA-1",
)  # fmt: skip
register(
    _FAMILY, "the certificate named as before RFC 5035",
    lambda: signed_by_hand(Recipe(attributes=named_by_sha1)), Level.B,
)  # fmt: skip

# timestamps that prove nothing

LATE_TSA = issue(tsa_profile(subject="Late TSA", start=NOW + timedelta(hours=2)), GOOD.issuing)
STRANGE_TSA = issue(tsa_profile(subject="Other TSA"), authority("Other Root"))
SHORT_TSA = issue(tsa_profile(subject="Short TSA", start=START, days=30), GOOD.issuing)
UNBELIEVED = {
    "older than its certificate": LATE_TSA,
    "by nobody whom one trusts": STRANGE_TSA,
    "made after its certificate had expired": SHORT_TSA,
}


def dated_by(tsa: Identity, signer: Identity = GOOD.signer) -> bytes:
    """Signed, with a timestamp by *tsa*."""
    about = timestamped(lambda value: token(value, tsa=tsa))
    return signed_by_hand(Recipe(signer=signer, unsigned=about), room=16000)


for _name, _tsa in UNBELIEVED.items():
    register(_FAMILY, f"a timestamp {_name}", partial(dated_by, _tsa), Level.B, "judged without it")


def ignored(name: str, signer: Identity = GOOD.signer) -> bytes:
    """Signed, with the timestamp *name* of those that fail and break nothing."""
    return signed_by_hand(Recipe(signer=signer, unsigned=timestamped(IGNORED[name][0])), room=20000)


for _name, (_, _lists) in IGNORED.items():
    register(
        _FAMILY, f"a timestamp {_name}", lambda name=_name, lists=_lists: Attempt(ignored(name), crls=lists),
        Level.B, "judged without it",
    )  # fmt: skip
for _name, _why in {"by a revoked authority": "was revoked", "by SHA-1": "SHA-1"}.items():
    register(
        _FAMILY, f"a timestamp {_name}, and why",
        lambda name=_name: Attempt(ignored(name), crls=IGNORED[name][1]), Level.B, _why,
    )  # fmt: skip


def _one_ignored(value: bytes) -> Attributes:
    return [*timestamped(IGNORED["by SHA-1"][0])(value), *timestamped(token)(value)]


register(
    _FAMILY, "a timestamp by SHA-1 before a good one",
    lambda: signed_by_hand(Recipe(unsigned=_one_ignored), room=20000), Level.T, "judged without it",
)  # fmt: skip


# BER

_BER: dict[str, Callable[[bytes], bytes]] = {
    "the outermost element": outermost,
    "all elements": as_ber,
    "all elements, strings in pieces": partial(as_ber, segment=11),
    "the inner elements": lambda message: der.element(
        der.SEQUENCE, *(as_ber(each) for each in der.members(message))
    ),
}
for _name, _form in _BER.items():
    register(
        _FAMILY, f"BER: {_name}",
        lambda form=_form: signed_by_hand(
            lambda covered: form(Recipe(unsigned=timestamped(token))(covered)), room=20000
        ),
        Level.T, "BER",
    )  # fmt: skip


# Edwards curves (RFC 8419)

Edwards = ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey


@cache
def edwards(name: str) -> Identity:
    """A signer with a key on ``ed25519`` or ``ed448``."""
    kinds = {"ed25519": ed25519.Ed25519PrivateKey, "ed448": ed448.Ed448PrivateKey}
    key = kinds[name].generate()
    return issue(Profile(f"Edwards {name}", key=key), GOOD.issuing)  # type: ignore[arg-type]  # other kinds of keys


SHAKE256 = der.element(der.SEQUENCE, der.oid("2.16.840.1.101.3.4.2.12"))


def shake256(bits: int) -> bytes:
    """The identifier of SHAKE256 with a length (RFC 8702, 3.1)."""
    return der.element(der.SEQUENCE, der.oid("2.16.840.1.101.3.4.2.18"), der.integer(bits))


def by_edwards(
    curve: str, algorithm: bytes, digest: Callable[[bytes], bytes], *, parameters: bytes = b"", named: str = ""
) -> bytes:
    """Signed by a key on *curve*; *algorithm* identifies the *digest*, *named* the curve that the message says."""
    signer = edwards(curve)

    def make(covered: bytes) -> bytes:
        values = {
            "1.2.840.113549.1.9.3": der.oid("1.2.840.113549.1.7.1"),
            "1.2.840.113549.1.9.4": der.element(der.OCTET_STRING, digest(covered)),
            "1.2.840.113549.1.9.16.2.47": signing_certificate(signer)["values"][0].dump(),
        }
        signed = b"".join(
            sorted(
                der.element(der.SEQUENCE, der.oid(name), der.element(der.SET, value))
                for name, value in values.items()
            )
        )
        value = signer.key.sign(der.element(der.SET, signed))  # type: ignore[call-arg]  # no hash is chosen
        oid = {"ed25519": "1.3.101.112", "ed448": "1.3.101.113"}[named or curve]
        certificate = asn1_x509.Certificate.load(signer.der)
        identifier = der.element(der.SEQUENCE, certificate.issuer.dump(), der.integer(certificate.serial_number))
        info = der.element(
            der.SEQUENCE, der.integer(1), identifier, algorithm, der.element(0xA0, signed),
            der.element(der.SEQUENCE, der.oid(oid), parameters), der.element(der.OCTET_STRING, value),
        )  # fmt: skip
        data = der.element(
            der.SEQUENCE, der.integer(1), der.element(der.SET, algorithm),
            der.element(der.SEQUENCE, der.oid("1.2.840.113549.1.7.1")),
            der.element(0xA0, signer.der, GOOD.issuing.der), der.element(der.SET, info),
        )  # fmt: skip
        return der.element(der.SEQUENCE, der.oid("1.2.840.113549.1.7.2"), der.element(0xA0, data))

    return signed_by_hand(make)


def shake(octets: int) -> Callable[[bytes], bytes]:
    return lambda data: hashlib.shake_256(data).digest(octets)


SHA512 = der.element(der.SEQUENCE, der.oid("2.16.840.1.101.3.4.2.3"))
register(_FAMILY, "Ed448, SHAKE256", lambda: by_edwards("ed448", SHAKE256, shake(64)), Level.B)
register(
    _FAMILY, "Ed448, SHAKE256 with its length", lambda: by_edwards("ed448", shake256(512), shake(64)), Level.B
)
register(
    _FAMILY, "Ed25519, SHA-512",
    lambda: by_edwards("ed25519", SHA512, lambda data: hashlib.sha512(data).digest()), Level.B,
)  # fmt: skip


def _by_pyhanko(curve: str, digest: str) -> bytes:
    return sign_pdf(plain(1), Signing("one", edwards(curve), [GOOD.issuing], digest=digest))


register(_FAMILY, "Ed448 by pyHanko", lambda: _by_pyhanko("ed448", "shake256"), Level.B)
register(_FAMILY, "Ed25519 by pyHanko", lambda: _by_pyhanko("ed25519", "sha512"), Level.B)


def _called(identifier: str) -> Callable[[cms.SignedData], None]:
    def finish(signed: cms.SignedData) -> None:
        signed["signer_infos"][0]["signature_algorithm"] = algos.SignedDigestAlgorithm({"algorithm": identifier})

    return finish


def _sha3(data: bytes) -> bytes:
    assert isinstance(RSA.key, rsa.RSAPrivateKey)
    return RSA.key.sign(data, padding.PKCS1v15(), hashes.SHA3_256())


_BY_RSA = Recipe(signer=RSA, digest="sha3_256", value=_sha3, finish=_called("2.16.840.1.101.3.4.3.14"))
register(_FAMILY, "RSA with SHA3-256", lambda: signed_by_hand(_BY_RSA), Level.B)
