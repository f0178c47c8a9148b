"""Certificates not to be believed: of the wrong kind, out of time, by nobody whom one trusts, or swapped."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from asn1crypto import algos, cms
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.attacks.recipes import Recipe
from tests.attacks.recipes import sign as sign_with
from tests.attacks.registry import (
    CRYPTO,
    FORMAT,
    NO_CHAIN,
    NO_SIGNER,
    NOT_YET,
    OUT_OF_BOUNDS,
    WEAK,
    WRONG_CHAIN,
    Attempt,
    attack,
    register,
)
from tests.attacks.victims import GOOD
from tests.attacks.writing import signed_by_hand
from tests.verification.authorities import NOW, Identity, Profile, authority, issue
from tests.verification.documents import Signing, plain, sign, stamper, with_fields

_FAMILY = "certificates"
_UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
_CONSTRAINED = x509.NameConstraints([x509.DNSName("example.org")], None)
_EKU = ExtendedKeyUsageOID


def by(signer: Identity, *chain: Identity) -> bytes:
    """A document signed by *signer*."""
    return signed_by_hand(Recipe(signer=signer, chain=chain))


def dated(signer: Identity, *chain: Identity) -> bytes:
    """The same with a good timestamp."""
    return sign(with_fields(plain(1), "one"), Signing("one", signer, list(chain), stamper(GOOD)))


_PROFILES = {
    "for servers": (Profile("tls", usages=(_EKU.SERVER_AUTH,)), WRONG_CHAIN, "extended key usage"),
    "for clients": (Profile("client", usages=(_EKU.CLIENT_AUTH,)), WRONG_CHAIN, "extended key usage"),
    "for code": (Profile("code", usages=(_EKU.CODE_SIGNING,)), WRONG_CHAIN, "extended key usage"),
    "for timestamps": (Profile("stamps", usages=(_EKU.TIME_STAMPING,)), WRONG_CHAIN, "extended key usage"),
    "for OCSP": (Profile("ocsp", usages=(_EKU.OCSP_SIGNING,)), WRONG_CHAIN, "extended key usage"),
    "for encryption": (Profile("cipher", key_usage=frozenset({"key_encipherment"})), WRONG_CHAIN, "key usage"),
    "for key agreement": (Profile("agree", key_usage=frozenset({"key_agreement"})), WRONG_CHAIN, "key usage"),
    "for lists": (Profile("lists", key_usage=frozenset({"crl_sign"})), WRONG_CHAIN, "key usage"),
    "for nothing": (Profile("nothing", key_usage=frozenset()), WRONG_CHAIN, "key usage"),
    "unknown critical extension": (Profile("strange", extra=((_UNKNOWN, True),)), WRONG_CHAIN, "not understood"),
    "name constraints in it": (Profile("bound", extra=((_CONSTRAINED, True),)), WRONG_CHAIN, "not understood"),
    "not yet valid": (Profile("unborn", start=NOW + timedelta(days=5)), OUT_OF_BOUNDS, "valid only from"),
    "expired": (Profile("dead", days=30), OUT_OF_BOUNDS, "expired"),
    "RSA with 1024 bits": (Profile("weak", rsa_bits=1024), WEAK, "too short"),
}
for _name, (_profile, _words, _says) in _PROFILES.items():
    register(
        _FAMILY, _name, lambda profile=_profile: by(issue(profile, GOOD.issuing), GOOD.issuing), _words, says=_says
    )


@attack(_FAMILY, "not yet valid, and the timestamp proves it", NOT_YET, says="valid only from")
def unborn_and_dated() -> Attempt:
    unborn = issue(Profile("unborn", start=NOW + timedelta(days=5)), GOOD.issuing)
    return Attempt(dated(unborn, GOOD.issuing), at=NOW + timedelta(days=9))


@attack(_FAMILY, "expired before the timestamp", OUT_OF_BOUNDS, says="expired")
def dead_and_dated() -> bytes:
    return dated(issue(Profile("dead", days=30), GOOD.issuing), GOOD.issuing)


@attack(_FAMILY, "authority expired", OUT_OF_BOUNDS, says="expired")
def dead_authority() -> bytes:
    old = authority("Old CA", GOOD.root, days=30)
    return by(issue(Profile("of the old"), old), old)


@attack(_FAMILY, "P-192", WEAK, CRYPTO, FORMAT)
def small_curve() -> bytes:
    key = ec.generate_private_key(ec.SECP192R1())
    return by(issue(Profile("small", key=key), GOOD.issuing), GOOD.issuing)


def _issued_with(name: str) -> bytes:
    """``cryptography`` issues with no weak hash any more, so the signature is made anew."""
    issuing = authority("RSA CA", GOOD.root, rsa_bits=2048)
    good = issue(Profile("by a weak hash"), issuing)
    made = asn1_x509.Certificate.load(good.der)
    algorithm = algos.SignedDigestAlgorithm({"algorithm": f"{name}_rsa"})
    made["tbs_certificate"]["signature"] = made["signature_algorithm"] = algorithm
    made["signature_value"] = sign_with(issuing.key, made["tbs_certificate"].dump(force=True), name)
    return by(Identity(x509.load_der_x509_certificate(made.dump(force=True)), good.key), issuing)


register(_FAMILY, "issued with MD5", partial(_issued_with, "md5"), WEAK, NO_CHAIN, FORMAT)
register(_FAMILY, "issued with SHA-1", partial(_issued_with, "sha1"), WEAK, NO_CHAIN, FORMAT)


@attack(_FAMILY, "signed by itself", NO_CHAIN, FORMAT)
def self_signed() -> bytes:
    return by(issue(Profile("Stranger")))


@attack(_FAMILY, "signed by itself under the signer's name", NO_CHAIN, FORMAT)
def same_name() -> bytes:
    return by(issue(Profile("张示例", key=_fresh())))


@attack(_FAMILY, "of an authority that nobody trusts", NO_CHAIN)
def unknown_root() -> bytes:
    root = authority("Other Root")
    return by(issue(Profile("of the other"), root), root)


@attack(_FAMILY, "the good one, trusted by nobody", NO_CHAIN)
def not_my_root() -> Attempt:
    return Attempt(by(GOOD.signer, GOOD.issuing), trust=(authority("Other Root"),))


@attack(_FAMILY, "trusting the timestamp authority alone", NO_CHAIN)
def only_the_clock() -> Attempt:
    return Attempt(dated(GOOD.signer, GOOD.issuing), trust=(GOOD.tsa,))


@attack(_FAMILY, "root and authority under the trusted names", NO_CHAIN, FORMAT)
def impostors() -> bytes:
    root = authority("Root CA", key=_fresh())
    issuing = authority("Issuing CA", root, key=_fresh())
    return by(issue(Profile("张示例"), issuing), issuing, root)


@attack(_FAMILY, "issued by an end entity", WRONG_CHAIN, says="no certification authority")
def child() -> bytes:
    return by(issue(Profile("child"), GOOD.signer), GOOD.signer, GOOD.issuing)


@attack(_FAMILY, "issued by the timestamp authority", WRONG_CHAIN)
def child_of_the_clock() -> bytes:
    return by(issue(Profile("child"), GOOD.tsa), GOOD.tsa, GOOD.issuing)


@attack(_FAMILY, "below the allowed path length", WRONG_CHAIN, says="path length")
def too_deep() -> bytes:
    below = authority("Too deep", GOOD.issuing)
    return by(issue(Profile("deep"), below), below, GOOD.issuing)


@attack(_FAMILY, "issued by an authority that may not issue", WRONG_CHAIN, says="may not sign certificates")
def no_key_usage() -> bytes:
    below = issue(
        Profile("No CA", authority=True, usages=(), key_usage=frozenset({"digital_signature"})), GOOD.root
    )
    return by(issue(Profile("of none"), below), below)


@attack(_FAMILY, "issued under name constraints", WRONG_CHAIN, says="not understood")
def constrained() -> bytes:
    below = authority("Bound CA", GOOD.root, extra=((_CONSTRAINED, True),))
    return by(issue(Profile("outside"), below), below)


@attack(_FAMILY, "the document signed by the authority itself", WRONG_CHAIN, says="key usage")
def by_the_authority() -> bytes:
    return by(GOOD.issuing, GOOD.root)


@attack(_FAMILY, "the document signed by the timestamp authority", WRONG_CHAIN)
def by_the_clock() -> bytes:
    return by(GOOD.tsa, GOOD.issuing)


def _fresh() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


# swapped and injected: what the message carries is not what it was made with

_TWIN = Profile("李样本", key=GOOD.signer.key)  # another name, the signer's key


def _carrying(*others: Identity, instead: bool = False) -> Recipe:
    """The good message, with other certificates beside the signer's, or in its place."""

    def finish(signed: cms.SignedData) -> None:
        certificates = [] if instead else [GOOD.signer, GOOD.issuing]
        signed["certificates"] = [
            cms.CertificateChoices("certificate", asn1_x509.Certificate.load(each.der))
            for each in (*certificates, *others)
        ]

    return Recipe(finish=finish)


@attack(_FAMILY, "swapped for one of the same key and another name", FORMAT)
def swapped() -> bytes:
    return signed_by_hand(_carrying(issue(_TWIN, GOOD.issuing), GOOD.issuing, instead=True))


@attack(_FAMILY, "identifier and certificate swapped for one of the same key", FORMAT)
def swapped_with_identifier() -> bytes:
    twin = issue(_TWIN, GOOD.issuing)
    return signed_by_hand(Recipe(signer=twin, named=GOOD.signer))


@attack(_FAMILY, "the identifier names another certificate", FORMAT)
def other_identifier() -> bytes:
    return signed_by_hand(Recipe(claims=GOOD.other, chain=(GOOD.other, GOOD.issuing)))


@attack(_FAMILY, "the signed reference names another certificate", FORMAT)
def other_reference() -> bytes:
    return signed_by_hand(Recipe(named=GOOD.other, chain=(GOOD.other, GOOD.issuing)))


@attack(_FAMILY, "both name somebody else", CRYPTO)
def somebody_else() -> bytes:
    return signed_by_hand(Recipe(named=GOOD.other, claims=GOOD.other, chain=(GOOD.other, GOOD.issuing)))


@attack(_FAMILY, "a copy under the signer's name and serial injected", FORMAT, says="damaged")
def injected_twin() -> bytes:
    forged = authority("Issuing CA", key=_fresh())
    return signed_by_hand(_carrying(issue(Profile("张示例", key=_fresh()), forged)))


@attack(_FAMILY, "no certificate at all", NO_SIGNER)
def none() -> bytes:
    return signed_by_hand(_carrying(instead=True))


@attack(_FAMILY, "only the authority's certificate", NO_SIGNER)
def only_the_authority() -> bytes:
    return signed_by_hand(_carrying(GOOD.issuing, instead=True))
