"""Signatures on documents and on evidence manifests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hsm import cms
from hsm.acts import SigningIntent
from hsm.errors import ActivationUsed, AuthorityLocked, CertificateRefused, ConsistencyRefused, ModuleUnavailable
from hsm.operations.bench import Bench
from hsm.operations.manifests import log_state_of
from hsm.signers import HsmSigner
from hsm.wire import activations_from_wire, field, intent_from_wire


class Documents:
    """Signs what was activated, and manifests that rest on a log that the authority has witnessed."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._makers: dict[str, tuple[int, cms.MessageMaker]] = {}

    def sign_document(self, arguments: Mapping[str, Any]) -> bytes:
        """The CMS over an intent's digest.

        1. the signer has a certificate, valid and not revoked, and its key answers;
        2. the activations are right and the nonce is used up, on disk (:class:`hsm.activation.Judge`);
        3. sign; what comes out verifies, or is not given out.
        """
        intent = intent_from_wire(arguments.get("intent"))
        activations = activations_from_wire(arguments.get("activations"))
        signer = self._usable(intent.signer)
        self._bench.judge.authorise_signature(intent, activations)
        try:
            return self._signed(intent, signer)
        except (AuthorityLocked, ModuleUnavailable) as error:
            raise ActivationUsed(
                "The HSM stopped answering when this activation had been used up; nothing was signed. Begin again."
            ) from error

    def sign_manifest(self, arguments: Mapping[str, Any]) -> bytes:
        """The CMS over a manifest, if the state of the log that it names is one that was signed here."""
        manifest = field(arguments, "manifest", bytes)
        self._require_witnessed(manifest)
        signer = self._usable("evidence")
        return cms.sign_detached(signer, content=manifest, signing_time=self._bench.now())

    def _usable(self, subject: str) -> HsmSigner:
        signer = self._bench.signers.signer(subject)
        self._bench.signers.require_unrevoked(signer)
        certificate, now = signer.certificate, self._bench.now()
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise CertificateRefused("The certificate of {subject} is not valid now; rotate it.", subject=subject)
        self._bench.room.use(lambda: self._bench.room.handle(signer.label))
        return signer

    def _signed(self, intent: SigningIntent, signer: HsmSigner) -> bytes:
        number, maker = self._makers.get(intent.signer, (0, None))
        if maker is None or number != signer.number:
            maker = cms.MessageMaker(signer, cms.DATA)
            self._makers[intent.signer] = (signer.number, maker)
        return maker.make(intent.digest)

    def _require_witnessed(self, manifest: bytes) -> None:
        rests_on = log_state_of(manifest, now=self._bench.now())
        if rests_on.origin != self._bench.settings.log.origin or not self._bench.store.checkpoints.has(
            rests_on.state
        ):
            raise ConsistencyRefused("The manifest rests on a state of the log that the authority never signed.")
