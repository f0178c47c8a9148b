"""Revocation: what was revoked stays so, whatever else the file brings along to talk over it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.attacks.recipes import Recipe
from tests.attacks.registry import LATER, REVOKED, REVOKED_CA, Attempt, attack, register
from tests.attacks.victims import GOOD
from tests.attacks.writing import signed_by_hand
from tests.verification.authorities import NOW, Identity, Profile, authority, issue, key_of, revocation_list
from tests.verification.documents import Signing, add_store, plain, sign, stamper, with_fields

_FAMILY = "revocation"
_BEFORE = NOW - timedelta(days=3)
_OCSP = Profile("OCSP", usages=(ExtendedKeyUsageOID.OCSP_SIGNING,), key_usage=frozenset({"digital_signature"}))
FORGER = Identity(GOOD.issuing.certificate, key_of("Forger"))


def undated() -> bytes:
    """Signed, and nothing says when."""
    return signed_by_hand(Recipe())


def dated() -> bytes:
    """Signed, and timestamped three days after the revocation of these attacks."""
    return sign(with_fields(plain(1), "one"), Signing("one", GOOD.signer, [GOOD.issuing], stamper(GOOD)))


def revoking(identity: Identity = GOOD.signer, when: datetime = _BEFORE, issuer: Identity = GOOD.issuing) -> bytes:
    """A list that revokes *identity*."""
    return revocation_list(issuer, revoked=((identity, when),))


def response(
    status: ocsp.OCSPCertStatus,
    *,
    responder: Identity = GOOD.issuing,
    issuer: Identity = GOOD.issuing,
    about: Identity = GOOD.signer,
    made: datetime = NOW,
    carried: tuple[Identity, ...] = (),
    revoked: datetime = _BEFORE,
) -> bytes:
    """An OCSP response (DER); *carried* are the certificates in it."""
    is_revoked = status is ocsp.OCSPCertStatus.REVOKED
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=about.certificate,
        issuer=issuer.certificate,
        algorithm=hashes.SHA1(),  # noqa: S303 - OCSP's own name for an issuer
        cert_status=status,
        this_update=made,
        next_update=made + timedelta(days=7),
        revocation_time=revoked.replace(tzinfo=None) if is_revoked else None,
        revocation_reason=x509.ReasonFlags.key_compromise if is_revoked else None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, responder.certificate)
    if carried:
        builder = builder.certificates([each.certificate for each in carried])
    return builder.sign(responder.key, hashes.SHA256()).public_bytes(Encoding.DER)


REVOKED_STATUS, _GOOD, UNKNOWN_STATUS = (
    ocsp.OCSPCertStatus.REVOKED,
    ocsp.OCSPCertStatus.GOOD,
    ocsp.OCSPCertStatus.UNKNOWN,
)

_LISTS: dict[str, Callable[[], tuple[bytes, ...]]] = {
    "by the issuer's list": lambda: (revoking(),),
    "by the issuer's list, a newer one that says nothing before it": lambda: (
        revocation_list(FORGER, made=NOW + timedelta(hours=1)), revoking(),
    ),
    "by the issuer's list, an older one that says nothing after it": lambda: (
        revoking(), revocation_list(GOOD.issuing, made=NOW - timedelta(days=30)),
    ),
    "by a list among rubbish": lambda: (b"", b"\x30\x00", b"\xff" * 100, revoking(), revoking()[:-5]),
}  # fmt: skip
for _name, _made in _LISTS.items():
    for _kind, _document in (("undated", undated), ("dated later", dated)):
        register(
            _FAMILY,
            f"revoked {_name}, {_kind}",
            lambda made=_made, document=_document: Attempt(document(), crls=made()),
            REVOKED,
            says="was revoked",
        )
        register(
            _FAMILY,
            f"revoked {_name}, in the file, {_kind}",
            lambda made=_made, document=_document: add_store(document(), [GOOD.issuing], crls=made()),
            REVOKED,
            says="was revoked",
        )


@attack(_FAMILY, "revoked after signing, and nothing dates the signature", REVOKED)
def revoked_later() -> Attempt:
    crl = revocation_list(GOOD.issuing, made=LATER, revoked=((GOOD.signer, NOW + timedelta(hours=2)),))
    return Attempt(undated(), crls=(crl,))


@attack(_FAMILY, "revoked at the very second of the timestamp", REVOKED)
def revoked_at_once() -> Attempt:
    return Attempt(dated(), crls=(revoking(when=NOW),))


@attack(_FAMILY, "the authority revoked", REVOKED_CA)
def revoked_authority() -> Attempt:
    return Attempt(dated(), crls=(revoking(GOOD.issuing, issuer=GOOD.root),))


# responses (OCSP), in the file's own store


def _delegate(issuer: Identity = GOOD.issuing, *, usage: bool = True) -> Identity:
    profile = _OCSP if usage else Profile("No OCSP")
    return issue(profile, issuer)


_SAID: dict[str, Callable[[], tuple[bytes, ...]]] = {
    "by the issuer": lambda: (response(REVOKED_STATUS),),
    "by a delegate": lambda: (response(REVOKED_STATUS, responder=_delegate(), carried=(_delegate(),)),),
    "by the issuer, good said later": lambda: (
        response(REVOKED_STATUS),
        response(_GOOD, made=NOW + timedelta(hours=1)),
    ),
    "by the issuer, good said before": lambda: (
        response(_GOOD, made=NOW - timedelta(days=9)),
        response(REVOKED_STATUS),
    ),
}
for _name, _said in _SAID.items():
    register(
        _FAMILY,
        f"revoked by a response, {_name}",
        lambda said=_said: add_store(dated(), [GOOD.issuing], responses=said()),
        REVOKED,
        says="was revoked",
    )

_TALK: dict[str, Callable[[], bytes]] = {
    "good by a stranger": lambda: response(_GOOD, responder=issue(Profile("Stranger"))),
    "good by the signer": lambda: response(_GOOD, responder=GOOD.signer, carried=(GOOD.signer,)),
    "good by the issuer's name": lambda: response(_GOOD, responder=authority("Issuing CA", key=key_of("Forger"))),
    "good by a certificate without OCSP": lambda: response(
        _GOOD, responder=_delegate(usage=False), carried=(_delegate(usage=False),)
    ),
    "good by another authority's delegate": lambda: response(
        _GOOD, responder=_delegate(authority("Other CA")), carried=(_delegate(authority("Other CA")),)
    ),
    "good about somebody else": lambda: response(_GOOD, about=GOOD.other),
    "good, long ago": lambda: response(_GOOD, made=NOW - timedelta(days=100)),
    "good, of the future": lambda: response(_GOOD, made=NOW + timedelta(days=100)),
    "unknown": lambda: response(UNKNOWN_STATUS),
    "rubbish": lambda: b"\x30\x03\x0a\x01\x00",
}
for _name, _said in _TALK.items():
    register(
        _FAMILY,
        f"revoked by a list, a response says {_name}",
        lambda said=_said: Attempt(add_store(dated(), [GOOD.issuing], responses=(said(),)), crls=(revoking(),)),
        REVOKED,
        says="was revoked",
    )
