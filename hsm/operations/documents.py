"""Signatures on documents and evidence manifests, approvals given before, and document keys wrapped in the HSM."""

from __future__ import annotations

from hsm import cms
from hsm.answers import Approvals
from hsm.config import PeerRole
from hsm.errors import (
    ActivationUsed,
    AuthorityLocked,
    BadRequest,
    CertificateRefused,
    ConsistencyRefused,
    ModuleUnavailable,
)
from hsm.intents import SigningIntent
from hsm.keys import HsmSigner
from hsm.operations.context import AuthorityContext
from hsm.operations.manifests import log_state_from_manifest
from hsm.requests import Approval, DocumentSigning, KeyToUnwrap, KeyToWrap, OfIntent, OfManifest


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


class ApprovalOperations:
    """Remembers activations; nothing is signed or changed here."""

    def __init__(self, context: AuthorityContext) -> None:
        self._context = context

    def approve(self, request: Approval) -> Approvals:
        """Verifies and remembers one activation; who has approved the intent now, and how many must."""
        return self._context.authoriser.approve(request.intent, request.activation)

    def approvals(self, request: OfIntent) -> Approvals:
        """Who has approved an intent, and how many must."""
        return self._context.authoriser.approvals(request.intent)


_MOST_KEY_BYTES, _MOST_WRAPPED_BYTES = 64, 256


class KeyWrapOperations:
    """Wraps and unwraps for the caller's role, which the socket and the peer's credentials prove."""

    def __init__(self, context: AuthorityContext, role: PeerRole) -> None:
        self._context = context
        self._role = role

    def wrap_key(self, request: KeyToWrap) -> bytes:
        """A key of 16 to 64 bytes, wrapped."""
        if not 16 <= len(request.key) <= _MOST_KEY_BYTES:
            raise BadRequest("A document key has 16 to {most} bytes.", most=_MOST_KEY_BYTES)
        return self._context.wrapping.wrap(self._role_context(request.context), request.key)

    def unwrap_key(self, request: KeyToUnwrap) -> bytes:
        """The key. Raises :class:`hsm.errors.NotPermitted` when it belongs to another role or context."""
        if len(request.wrapped) > _MOST_WRAPPED_BYTES:
            raise BadRequest("This is no wrapped document key.")
        return self._context.wrapping.unwrap(self._role_context(request.context), request.wrapped)

    def _role_context(self, context: str) -> str:
        if not 0 < len(context) <= 200:
            raise BadRequest("A context has 1 to 200 characters.")
        return f"{self._role.value}:{context}"
