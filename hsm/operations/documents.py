"""Signatures on documents and on evidence manifests."""

from __future__ import annotations

from hsm import cms
from hsm.errors import ActivationUsed, AuthorityLocked, CertificateRefused, ConsistencyRefused, ModuleUnavailable
from hsm.intents import SigningIntent
from hsm.interface import DocumentSigning, OfManifest
from hsm.operations.context import AuthorityContext
from hsm.operations.manifests import log_state_from_manifest
from hsm.signers import HsmSigner


class DocumentOperations:
    """Signs what was activated, and manifests that rest on a log that the authority has witnessed."""

    def __init__(self, context: AuthorityContext) -> None:
        self._context = context
        self._makers: dict[str, tuple[int, cms.MessageMaker]] = {}

    def sign_document(self, request: DocumentSigning) -> bytes:
        """The CMS over an intent's digest.

        1. the signer has a certificate, valid and not revoked, and its key answers;
        2. the activations are right and the nonce is used up, on disk (:class:`hsm.activation.Judge`);
        3. sign; what comes out verifies, or is not given out.
        """
        intent = request.intent
        signer = self._usable(intent.signer)
        self._context.authoriser.authorise_signature(intent, request.activations)
        try:
            return self._signed(intent, signer)
        except (AuthorityLocked, ModuleUnavailable) as error:
            raise ActivationUsed(
                "The HSM stopped answering when this activation had been used up; nothing was signed. Begin again."
            ) from error

    def sign_manifest(self, request: OfManifest) -> bytes:
        """The CMS over a manifest, if the state of the log that it names is one that was signed here."""
        manifest = request.manifest
        self._require_witnessed(manifest)
        signer = self._usable("evidence")
        return cms.sign_detached(signer, content=manifest, signing_time=self._context.now())

    def _usable(self, subject: str) -> HsmSigner:
        signer = self._context.signers.signer(subject)
        self._context.signers.require_unrevoked(signer)
        certificate, now = signer.certificate, self._context.now()
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise CertificateRefused("The certificate of {subject} is not valid now; rotate it.", subject=subject)
        self._context.token.use(lambda: self._context.token.handle(signer.label))
        return signer

    def _signed(self, intent: SigningIntent, signer: HsmSigner) -> bytes:
        number, maker = self._makers.get(intent.signer, (0, None))
        if maker is None or number != signer.number:
            maker = cms.MessageMaker(signer, cms.DATA)
            self._makers[intent.signer] = (signer.number, maker)
        return maker.make_message(intent.digest)

    def _require_witnessed(self, manifest: bytes) -> None:
        rests_on = log_state_from_manifest(manifest, now=self._context.now())
        if rests_on.origin != self._context.settings.log.origin or not self._context.store.checkpoints.has(
            rests_on.state
        ):
            raise ConsistencyRefused("The manifest rests on a state of the log that the authority never signed.")
