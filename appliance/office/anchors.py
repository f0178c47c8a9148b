"""Certification authorities of outside signers: registered by an officer, approved by officers' activations at the
authority, ended by any officer at once.

Whoever could add one could invent a counterparty's signature: so an anchor counts with the authority's statement
alone that officers have approved it (:mod:`hsm.operations.anchors`), which evidence packages carry.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.accounts.context import AccountsPart
from appliance.contact_details import organisation_name
from appliance.errors import ConfigurationError, PreconditionRefused
from appliance.ledger.audit_trail import EventKind
from appliance.model.anchors import ApprovedAnchor
from appliance.office.notifying import checked_reason
from appliance.store import anchors
from appliance.store.database import reads
from appliance.verification import TrustAnchors
from appliance.verification.algorithms import key_weakness
from appliance.verification.trust import read_certificate, shown_name
from hsm.names import passes_for, visible

LARGEST = 64 * 1024
"""Bytes of an uploaded certificate."""


@dataclass(frozen=True, slots=True)
class AnchorDescription:
    """An anchor's certificate in words: days are UTC, ``grouped`` is its SHA-256 in groups of four digits."""

    subject: str
    issuer: str
    since: str
    until: str
    grouped: str


class SignerAnchors(AccountsPart):
    """Thread-safe. Nothing counts before :meth:`OfficerDecisions.perform_decision` has approved it."""

    all_anchors = reads(anchors.all_anchors)
    anchor = reads(anchors.load_anchor)
    in_force = reads(anchors.in_force)

    def register(self, content: bytes, *, organisation: str, reason: str, by: str) -> ApprovedAnchor:
        """An anchor that waits for officers: the one certificate (PEM or DER) in *content*, for the outside
        signers of
        *organisation*. *reason* says how it was found to be theirs.

        Raises :class:`PreconditionRefused` for what cannot be one.
        """
        words = checked_reason(reason, "Say how you know that this authority certifies their people.")
        name, der = organisation_name(organisation), self._certificate(content)
        for own in self._authority.organisations():
            if passes_for(own, name):
                raise PreconditionRefused(
                    "{organisation} is an organisation of this house; its people are certified here, and no other"
                    " authority is approved for them.",
                    organisation=name,
                )
        digest = x509.load_der_x509_certificate(der).fingerprint(hashes.SHA256()).hex()
        anchor = ApprovedAnchor(
            f"anchor-{secrets.token_hex(6)}", name, der, digest, words, by, self._now().replace(microsecond=0)
        )
        public = {"subject": anchor.id, "certificate": digest}
        with self._database.transaction() as tx:
            if any(each.digest == digest and each.organisation == name for each in anchors.in_force(tx)):
                raise PreconditionRefused(
                    "This certificate is approved for {organisation} already.", organisation=name
                )
            anchors.insert_anchor(tx, anchor)
            self._append_event(tx, EventKind.ANCHOR_REGISTERED, by, public, organisation=name, reason=words)
        return anchor

    def end(self, anchor_id: str, *, reason: str, by: str) -> None:
        """No signature is taken by it any more; those that were stay. It needs one officer, and no activation."""
        words = checked_reason(reason, "Say why; the reason goes on record.")
        with self._database.transaction() as tx:
            anchor = anchors.load_anchor(tx, anchor_id)
            anchors.end(tx, anchor_id, by=by, reason=words, at=self._now())
            public = {"subject": anchor_id, "certificate": anchor.digest}
            self._append_event(
                tx, EventKind.ANCHOR_ENDED, by, public, organisation=anchor.organisation, reason=words
            )

    def described(self, anchor: ApprovedAnchor) -> AnchorDescription:
        """The certificate, for people who compare it."""
        read = x509.load_der_x509_certificate(anchor.certificate)
        return AnchorDescription(
            subject=visible(shown_name(read)),
            issuer=visible(read.issuer.rfc4514_string()),
            since=f"{read.not_valid_before_utc:%Y-%m-%d}",
            until=f"{read.not_valid_after_utc:%Y-%m-%d}",
            grouped=" ".join(anchor.digest[at : at + 4] for at in range(0, len(anchor.digest), 4)),
        )

    def _certificate(self, content: bytes) -> bytes:
        if len(content) > LARGEST:
            raise PreconditionRefused("The file is too large for a certificate.")
        try:
            found = TrustAnchors.from_bytes(content).certificates
        except ConfigurationError as error:
            raise PreconditionRefused("The file is no certificate in PEM or DER.") from error
        if len(found) != 1:
            raise PreconditionRefused("Give one certificate: the one to which their signers' certificates lead.")
        der = found[0].public_bytes(Encoding.DER)
        read = read_certificate(der)
        if read is None:
            raise PreconditionRefused("The file is no certificate in PEM or DER.")
        if der in self._authority.authorities():
            raise PreconditionRefused("This is an authority of this house; it certifies no people of others.")
        if read.not_valid_after_utc <= self._now():
            raise PreconditionRefused("The certificate has expired; ask for the current one.")
        if key_weakness(read) is not None:
            raise PreconditionRefused("The certificate's key is too weak to rely on; ask for another one.")
        return der
