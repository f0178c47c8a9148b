"""A poisoned document security store: what comes as validation data is something else, too much, or nothing."""

from __future__ import annotations

import re
from functools import partial

from tests.attacks.registry import CROWDED, FORMAT, HASH, NO_CHAIN, REVOKED, UNEXPLAINED, Attempt, attack, register
from tests.attacks.revocation import FORGER, revoking
from tests.attacks.victims import GOOD, approved, lasting
from tests.attacks.writing import OTHER_TEXT, present, root_of, stream, written
from tests.verification.authorities import Profile, authority, issue, revocation_list
from tests.verification.documents import Signing, add_validation_data, plain, sign, with_fields

_FAMILY = "poisoned store"


def poisoned(document: bytes, store: bytes, more: dict[int, bytes] | None = None) -> bytes:
    """*document* with one more revision in which the catalogue has *store* for its /DSS."""
    number = int(root_of(document).split()[0])
    bare = re.sub(rb"/DSS\s+\d+ 0 R", b"", present(document, number))
    catalogue = bare.rstrip()[:-2] + b"/DSS %s>>" % store
    return written({number: catalogue, **(more or {})}, after=document)


_CERTIFICATE = stream(GOOD.issuing.der)
_WITH_THE_PAGE = {
    "the page's contents among the lists": (b"<</CRLs[4 0 R]>>", {4: stream(OTHER_TEXT)}),
    "the page's contents among the certificates": (b"<</Certs[4 0 R]>>", {4: stream(OTHER_TEXT)}),
    "the page in an entry": (b"<</VRI<</A<</Cert[4 0 R]>>>>>>", {4: stream(OTHER_TEXT)}),
    "the page as a timestamp of an entry": (b"<</VRI<</A<</TS 4 0 R>>>>>>", {4: stream(OTHER_TEXT)}),
    "the page as an entry": (b"<</VRI<</A 3 0 R>>>>", {4: stream(OTHER_TEXT)}),
    "the page as the store": (b"3 0 R", {4: stream(OTHER_TEXT)}),
    "the pages below the store": (b"<</Certs[90 0 R]/Pages 2 0 R>>", {90: _CERTIFICATE, 4: stream(OTHER_TEXT)}),
    "the change beside an honest store": (b"<</Certs[90 0 R]>>", {90: _CERTIFICATE, 4: stream(OTHER_TEXT)}),
    "the font's object as a certificate": (
        b"<</Certs[5 0 R]>>", {5: b"<</Type/Font/Subtype/Type1/BaseFont/Symbol>>"}
    ),
    "a length that is the page's": (
        b"<</Certs[90 0 R]>>", {90: b"<</Length 4 0 R>>stream\n\nendstream", 4: stream(OTHER_TEXT)}
    ),
}  # fmt: skip


def _small() -> bytes:
    """The small contract, whose object 4 is what the page shows, signed by hand."""
    from tests.attacks.victims import by_hand  # noqa: PLC0415 - made late: it signs

    return by_hand()


for _name, (_store, _more) in _WITH_THE_PAGE.items():
    register(
        _FAMILY,
        _name,
        lambda store=_store, more=_more: poisoned(_small(), store, more),
        FORMAT,
        UNEXPLAINED,
        says="changed after",
    )
_SHADOWED = {
    "the store taken away": b"null",
    "the store is a number": b"1",
    "the store is a list": b"[90 0 R]",
    "the store is a stream": b"90 0 R",
}


def _in_a_lasting_one(store: bytes) -> bytes:
    """The store of a B-LTA document is no longer what the timestamp covered."""
    return poisoned(lasting(), store, {90: _CERTIFICATE})


for _name, _store in _SHADOWED.items():
    register(_FAMILY, _name, partial(_in_a_lasting_one, _store), FORMAT, UNEXPLAINED, HASH)


@attack(_FAMILY, "a forged list that says nothing, against the true one", REVOKED)
def forged_list() -> Attempt:
    document = add_validation_data(approved(), [GOOD.issuing], [revocation_list(FORGER)])
    return Attempt(document, crls=(revoking(),))


@attack(_FAMILY, "a forged authority for a signer whom nobody trusts", NO_CHAIN, FORMAT)
def forged_authority() -> bytes:
    root = authority("Forged", days=4000)
    forged = authority("Issuing CA", root, key=root.key)
    signer = issue(Profile("of the forged"), forged)
    document = sign(with_fields(plain(1), "one"), Signing("one", signer, [forged]))
    return add_validation_data(document, [GOOD.issuing, GOOD.root, forged, root], GOOD.revocations)


@attack(_FAMILY, "a thousand authorities under one name", CROWDED)
def crowd() -> bytes:
    """Every one might have issued every other: finding the way must not take for ever."""
    key = authority("Crowd").key
    crowd = [authority("Crowd", key=key) for _ in range(60)]
    signer = issue(Profile("of the crowd"), crowd[0])
    document = sign(with_fields(plain(1), "one"), Signing("one", signer, [crowd[0]]))
    return add_validation_data(document, crowd, ())
