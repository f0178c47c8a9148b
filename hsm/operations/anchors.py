"""Anchors for outside signers: what officers have approved, the authority states, signed by the evidence service's
key. Evidence packages carry the statement: an anchor counts in them with one alone."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256

from hsm.anchors import ANCHOR_FORMAT, anchor_in
from hsm.errors import CertificateRefused
from hsm.intents import OfficerIntent, instant
from hsm.names import passes_for
from hsm.operation_types import SignedStatement
from hsm.operations.context import Handlers
from hsm.store.registry import ROOT


class AnchorOperations(Handlers):
    """Approves anchors, and says which are approved."""

    def approve_anchor(self, intent: OfficerIntent) -> SignedStatement:
        """The statement that officers have approved the anchor in *intent*; once for each number.

        1. the arguments have their plain forms, the organisation is none of the enterprise's own, whose people are
           certified here and by nobody else, and the certificate none of its authorities';
        2. the activations are the officers';
        3. the statement is signed and kept, in one transaction.
        """
        anchor = anchor_in(intent.details)
        for own in sorted(self._context.rules().organisations):
            if passes_for(own, anchor["organisation"]):
                raise CertificateRefused(
                    "{organisation} is an organisation of this house; its people are certified here, and no other"
                    " authority is approved for them.",
                    organisation=anchor["organisation"],
                )
        own_authorities = [each.certificate for each in self._store.registry.authorities()]
        for each in (*own_authorities, self._context.certificate(ROOT)):
            if each.fingerprint(SHA256()).hex() == anchor["certificate"]:
                raise CertificateRefused("This is an authority of this house; it certifies no people of others.")
        if self._store.anchors.is_stated(anchor["id"]):
            raise CertificateRefused("The anchor {anchor} was approved before.", anchor=anchor["id"])
        signer = self._usable("evidence")
        with self._authorised(intent) as authorised:
            officers = [self._store.people.subject(each) for each in sorted(authorised.by)]
            statement = {
                "format": ANCHOR_FORMAT,
                "act": intent.challenge().hex(),
                "anchor": anchor,
                "approved": instant(authorised.at),
                "approved_by": [{"name": each.name, "subject": each.subject} for each in officers],
            }
            made = self._stated(signer, statement)
            self._store.anchors.add_statement(anchor["id"], made)
        return made

    def anchor_statement(self, anchor: str) -> SignedStatement:
        return self._store.anchors.statement(anchor)
