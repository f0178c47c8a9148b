"""Whom to believe for the signatures of a contract that were made elsewhere: for each the one authority to which
it led when it was taken, and for no other signature."""

from __future__ import annotations

from cryptography import x509

from appliance.store import anchors
from appliance.store.database import Database, Transaction
from appliance.verification.trust import SignerAnchor, TrustAnchors
from appliance.verification.verifier import Verifier


def anchors_of(tx: Transaction, contract_id: str) -> TrustAnchors:
    """Those of the contract's signatures, with the revocation lists that came with them."""
    found = [(own, anchors.load_anchor(tx, own.anchor)) for own in anchors.signatures_of(tx, contract_id)]
    apart = (SignerAnchor(own.ends, x509.load_der_x509_certificate(each.certificate)) for own, each in found)
    return TrustAnchors((), crls=tuple(crl for own, _ in found for crl in own.crls), apart=tuple(apart))


def verifier_of(database: Database, verifier: Verifier, contract_id: str) -> Verifier:
    """*verifier*, which believes these too."""
    found = database.query(anchors_of, contract_id)
    return verifier.trusting(found) if found.apart else verifier
