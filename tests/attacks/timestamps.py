"""Timestamps of other data, by the wrong hands, of other times, without what was asked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from asn1crypto import algos, cms, core, tsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.attacks.recipes import Attributes, Recipe, timestamped
from tests.attacks.registry import (
    CRYPTO,
    FORMAT,
    HASH,
    NO_CHAIN,
    NO_POE,
    NOT_YET,
    ORDER,
    OUT_OF_BOUNDS,
    UNEXPLAINED,
    UNREADABLE,
    WEAK,
    WRONG_CHAIN,
    Attempt,
    attack,
    register,
)
from tests.attacks.victims import GOOD, approved
from tests.attacks.writing import signed_by_hand
from tests.verification.authorities import NOW, Identity, authority, issue, revocation_list, tsa_profile
from tests.verification.documents import (
    Signing,
    add_document_timestamp,
    plain,
    sign,
    stamper,
    with_fields,
)

_FAMILY = "timestamps"
DATA = b"what is dated"


def token(data: bytes, *, tsa: Identity = GOOD.tsa, when: datetime = NOW, **how: Any) -> bytes:
    """A token about *data*; *how*: ``hash``, ``nonce``, ``info`` (edits the TSTInfo), and a recipe's own."""
    name, info = how.pop("hash", "sha256"), how.pop("info", None)
    stated: dict[str, Any] = {
        "version": "v1",
        "policy": "1.2.3.4",
        "message_imprint": {
            "hash_algorithm": algos.DigestAlgorithm({"algorithm": name}),
            "hashed_message": hashlib.new(name, data).digest(),
        },
        "serial_number": 7,
        "gen_time": when,
    }
    nonce = how.pop("nonce", None)
    if nonce is not None:
        stated["nonce"] = nonce
    statement = tsp.TSTInfo(stated)
    if info is not None:
        info(statement)
    content = statement.dump()
    return Recipe(signer=tsa, content_type="tst_info", content=content, **how)(content)


def _dated(about: Callable[[bytes], bytes]) -> bytes:
    """A signed document with the token that *about* makes of the signature value."""
    return signed_by_hand(Recipe(unsigned=timestamped(about)), room=9000)


def _without_reference(listed: Attributes) -> Attributes:
    return [each for each in listed if each["type"].native != "signing_certificate_v2"]


def _critical(statement: tsp.TSTInfo) -> None:
    statement["extensions"] = [{"extn_id": "1.2.3.4", "critical": True, "extn_value": b"\x05\x00"}]


def _version_2(statement: tsp.TSTInfo) -> None:
    statement["version"] = 2


def _other_content(signed: cms.SignedData) -> None:
    """What was signed is not what the token says."""
    content = tsp.TSTInfo.load(signed["encap_content_info"]["content"].parsed.dump())
    content["serial_number"] = 8
    signed["encap_content_info"]["content"] = core.ParsableOctetString(content.dump())


def _more_digests(signed: cms.SignedData) -> None:
    names = ("sha256", "sha512")
    signed["digest_algorithms"] = [algos.DigestAlgorithm({"algorithm": name}) for name in names]


_BAD_CLOCKS: dict[str, dict[str, object]] = {
    "for code": {"usages": (ExtendedKeyUsageOID.CODE_SIGNING,)},
    "for everything": {"usages": ()},
    "not critical": {"critical_usage": False},
    "and for code": {"usages": (ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING)},
    "RSA with 1024 bits": {"rsa_bits": 1024},
}


def _of(seed: bytes) -> Callable[[bytes], bytes]:
    return lambda value: token(seed)


_TOKENS: dict[str, tuple[Callable[[bytes], bytes], tuple[Any, ...]]] = {
    "of other data": (_of(b"other"), (HASH,)),
    "of nothing": (_of(b""), (HASH,)),
    "by the signer": (lambda value: token(value, tsa=GOOD.signer), (WRONG_CHAIN,)),
    "by the authority": (lambda value: token(value, tsa=GOOD.issuing), (WRONG_CHAIN,)),
    "of tomorrow": (lambda value: token(value, when=NOW + timedelta(days=9)), (NO_POE,)),
    "of a thousand years on": (lambda value: token(value, when=NOW.replace(year=3026)), (NO_POE, NOT_YET)),
    "older than its certificate": (lambda value: token(value, when=NOW - timedelta(days=900)), (OUT_OF_BOUNDS,)),
    "by MD5": (lambda value: token(value, hash="md5"), (WEAK,)),
    "by SHA-1": (lambda value: token(value, hash="sha1"), (WEAK,)),
    "signed by SHA-1": (lambda value: token(value, digest="sha1"), (WEAK,)),
    "that names no certificate": (lambda value: token(value, attributes=_without_reference), (UNEXPLAINED,)),
    "that names another certificate": (
        lambda value: token(value, named=GOOD.other, chain=(GOOD.other, GOOD.issuing)), (FORMAT,)
    ),
    "with a critical extension": (lambda value: token(value, info=_critical), (FORMAT,)),
    "of version 2": (lambda value: token(value, info=_version_2), (FORMAT,)),
    "altered after it was made": (lambda value: token(value, finish=_other_content), (HASH, FORMAT)),
    "with a wrong value": (lambda value: token(value, value=lambda data: bytes(256)), (CRYPTO,)),
    "that is a plain message": (Recipe(signer=GOOD.tsa), (FORMAT,)),
    "that lists a further digest algorithm": (lambda value: token(value, finish=_more_digests), (UNREADABLE,)),
    "of two signers": (lambda value: token(value, signers=lambda one: [one, one.copy()]), (FORMAT,)),
}  # fmt: skip
BETWEEN = authority("CA of timestamps", GOOD.root)
_UNDER = issue(tsa_profile(subject="Another TSA"), BETWEEN)
_REVOKED = NOW - timedelta(days=3)
IGNORED: dict[str, tuple[Callable[[bytes], bytes], tuple[bytes, ...]]] = {
    **{
        f"by a certificate: {name}": (
            lambda value, changes=changes: token(
                value, tsa=issue(tsa_profile(subject="bad TSA", **changes), GOOD.issuing)
            ),
            (),
        )
        for name, changes in _BAD_CLOCKS.items()
    },
    **{
        name: (_TOKENS[name][0], ())
        for name in ("by the signer", "by the authority", "by MD5", "by SHA-1", "signed by SHA-1")
    },
    "that names no certificate": (_TOKENS["that names no certificate"][0], ()),
    "by a revoked authority": (token, (revocation_list(GOOD.issuing, revoked=((GOOD.tsa, _REVOKED),)),)),
    "under a revoked authority": (
        lambda value: token(value, tsa=_UNDER, chain=(BETWEEN,)),
        (revocation_list(GOOD.root, revoked=((BETWEEN, _REVOKED),)),),
    ),
}
"""Tokens that fail, and break nothing, each with the revocation lists at hand: the signature is judged without
them (EN 319 102-1, 5.5.4)."""

for _name, (_about, _words) in _TOKENS.items():
    if _name in IGNORED:
        continue
    # what is broken in a token is not the signature's own: nobody knows who put it there
    _told = (UNEXPLAINED if each[0] is FORMAT[0] else each for each in _words)
    register(_FAMILY, f"token {_name}", lambda about=_about: _dated(about), *_told)


@attack(_FAMILY, "two tokens, the second one of other data", UNEXPLAINED, says="about other data")
def two_tokens() -> bytes:
    def attributes(value: bytes) -> Attributes:
        return [*timestamped(token)(value), *timestamped(_of(b"other"))(value)]

    return signed_by_hand(Recipe(unsigned=attributes), room=14000)


@attack(_FAMILY, "a token of another signature", UNEXPLAINED, says="about other data")
def of_another_signature() -> bytes:
    other = Recipe(signer=GOOD.other)(b"another document")
    value = cms.ContentInfo.load(other)["content"]["signer_infos"][0]["signature"].native
    return _dated(_of(value))


@attack(_FAMILY, "later than the document's own timestamp", ORDER, says="later than")
def wrong_order() -> bytes:
    late = stamper(GOOD, NOW + timedelta(hours=3))
    document = sign(with_fields(plain(1), "one"), Signing("one", GOOD.signer, [GOOD.issuing], late))
    return add_document_timestamp(document, stamper(GOOD))


@attack(_FAMILY, "a document timestamp under an earlier one", ORDER, says="later than")
def archived_backwards() -> bytes:
    late = add_document_timestamp(approved(), stamper(GOOD, NOW + timedelta(hours=3)))
    return add_document_timestamp(late, stamper(GOOD, NOW + timedelta(hours=2)))


@attack(_FAMILY, "a document timestamp by nobody whom one trusts", NO_CHAIN)
def unknown_clock() -> bytes:
    tsa = issue(tsa_profile(subject="Other TSA"), authority("Other Root"))
    document = sign(with_fields(plain(1), "one"), Signing("one", GOOD.signer, [GOOD.issuing]))
    return add_document_timestamp(document, stamper(GOOD, NOW, tsa))


def _document_timestamp(about: Callable[[bytes], bytes]) -> bytes:
    return signed_by_hand(about, subfilter=b"/ETSI.RFC3161", kind=b"/DocTimeStamp", room=9000)


for _name, (_about, _words) in _TOKENS.items():
    register(_FAMILY, f"document timestamp {_name}", lambda about=_about: _document_timestamp(about), *_words)
register(_FAMILY, "a document timestamp that is a signature", lambda: _document_timestamp(Recipe()), FORMAT)
register(
    _FAMILY, "a signature that is a timestamp",
    lambda: signed_by_hand(token, room=9000), FORMAT, WRONG_CHAIN, UNEXPLAINED, HASH,
)  # fmt: skip


# tokens by themselves


def _alone(encoded: bytes, *, nonce: int | None = None, data: bytes = DATA) -> Attempt:
    return Attempt(encoded, data=data, nonce=nonce)


def _reply(encoded: bytes, status: int = 0) -> bytes:
    answer = {"status": {"status": status}, "time_stamp_token": cms.ContentInfo.load(encoded)}
    return bytes(tsp.TimeStampResp(answer).dump())


_NOT_ASKED = (FORMAT[0], UNEXPLAINED[1])
_ALONE: dict[str, tuple[Callable[[], Attempt], tuple[Any, ...]]] = {
    "without the nonce that was sent": (lambda: _alone(token(DATA), nonce=7), (_NOT_ASKED,)),
    "with another nonce": (lambda: _alone(token(DATA, nonce=8), nonce=7), (_NOT_ASKED,)),
    "with the nonce negated": (lambda: _alone(token(DATA, nonce=-7), nonce=7), (_NOT_ASKED,)),
    "in a reply, without the nonce": (lambda: _alone(_reply(token(DATA)), nonce=7), (_NOT_ASKED,)),
    "granted with modifications": (lambda: _alone(_reply(token(DATA), 1)), (UNREADABLE,)),
    "refused, with a token": (lambda: _alone(_reply(token(DATA), 2)), (UNREADABLE,)),
    "bytes after it": (lambda: _alone(token(DATA) + b"\0"), (FORMAT, UNREADABLE)),
    "bytes after the reply": (lambda: _alone(_reply(token(DATA)) + b"\0"), (FORMAT, UNREADABLE)),
    "trusted by nobody": (
        lambda: Attempt(token(DATA), trust=(authority("Other Root"),), data=DATA), (NO_CHAIN,)
    ),
}  # fmt: skip
for _name, (_build, _words) in _ALONE.items():
    register(_FAMILY, f"alone, {_name}", _build, *_words)
for _name, (_about, _words) in _TOKENS.items():
    register(_FAMILY, f"alone, {_name}", lambda about=_about: _alone(about(DATA)), *_words, UNREADABLE)
