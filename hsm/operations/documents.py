"""Signatures on documents and evidence manifests, and document keys wrapped in the HSM.

Which manifests the evidence key signs, :mod:`hsm.manifests` says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hsm import canonical, cms
from hsm.config import PeerRole
from hsm.errors import (
    ActivationUsed,
    AuthorityLocked,
    BadRequest,
    ConsistencyRefused,
    ModuleUnavailable,
)
from hsm.intents import SigningIntent
from hsm.keys import HsmSigner
from hsm.manifests import checkpoint_of_manifest
from hsm.operation_types import SignedCheckpoint
from hsm.operations.context import AuthorityContext, Handlers
from hsm.records import MEDIA_TYPES


class DocumentOperations(Handlers):
    """Signs what was activated, and manifests that rest on a log that the authority has witnessed."""

    def __init__(self, context: AuthorityContext) -> None:
        super().__init__(context)
        self._makers: dict[tuple[str, str], tuple[int, cms.MessageMaker]] = {}

    def sign_document(self, intent: SigningIntent) -> bytes:
        """The CMS over an intent's digest.

        1. the signer has a certificate, valid and not revoked, and its key answers;
        2. the activations are right and the nonce is used up, on disk (:class:`hsm.activation.IntentAuthoriser`);
        3. sign, with the weakest way of activation in a signed attribute; what comes out verifies, or is not given
           out.
        """
        signer = self._usable(intent.signer)
        authorised = self._context.authoriser.authorise(intent)
        strength = authorised.strength
        if intent.field not in MEDIA_TYPES:
            with self._store.transaction():
                self._store.vouchings.mark_signed(intent.signer, at=authorised.moment)
        try:
            return self._signed(intent, signer, strength)
        except (AuthorityLocked, ModuleUnavailable) as error:
            raise ActivationUsed(
                "The HSM stopped answering when this activation had been used up; nothing was signed. Begin again."
            ) from error

    def sign_manifest(self, manifest: bytes) -> bytes:
        self._require_witnessed(manifest)
        signer = self._usable("evidence")
        return cms.sign_detached(signer, content=manifest, signing_time=self._context.now())

    def _signed(self, intent: SigningIntent, signer: HsmSigner, strength: str) -> bytes:
        number, maker = self._makers.get((intent.signer, strength), (0, None))
        if maker is None or number != signer.number:
            maker = cms.MessageMaker(signer, cms.DATA, [cms.activated_by(strength)])
            self._makers[intent.signer, strength] = (signer.number, maker)
        kind = MEDIA_TYPES.get(intent.field)
        named = [] if kind is None else [cms.media_type_attribute(kind)]
        return maker.make_message(intent.digest, attributes=named)

    def _require_witnessed(self, manifest: bytes) -> None:
        since = self._store.powers.powers_stated_since()
        named = checkpoint_of_manifest(manifest, now=self._context.now(), powers_stated_since=since)
        signed = SignedCheckpoint(named.size, named.root)
        if named.origin != self._context.settings.log.origin or not self._store.checkpoints.has(signed):
            raise ConsistencyRefused("The manifest rests on a state of the log that the authority never signed.")
        self._require_log_key(canonical.decode(manifest)["files"])

    def _require_log_key(self, files: Sequence[Mapping[str, Any]]) -> None:
        """Another key could sign the same state again, and the package would show that as the log's."""
        key, signer = self._context.log_signer()
        pem = signer.certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        own = {"log/log.vkey": f"{key.vkey()}\n".encode(), "log/log.pub.pem": pem}
        for file in files:
            content = own.get(file["path"])
            if content is not None and file["sha256"] != hashlib.sha256(content).hexdigest():
                raise ConsistencyRefused(
                    "The {file} that this manifest lists is not the log's key; nothing was signed.",
                    file=file["path"],
                )


_MOST_KEY_BYTES, _MOST_WRAPPED_BYTES = 64, 256


class KeyWrapOperations(Handlers):
    """Wraps and unwraps for the caller's role, which the socket and the peer's credentials prove."""

    def __init__(self, context: AuthorityContext, role: PeerRole) -> None:
        super().__init__(context)
        self._role = role

    def wrap_key(self, context: str, key: bytes) -> bytes:
        if not 16 <= len(key) <= _MOST_KEY_BYTES:
            raise BadRequest("A document key has 16 to {most} bytes.", most=_MOST_KEY_BYTES)
        return self._context.wrapping.wrap(self._role_context(context), key)

    def unwrap_key(self, context: str, wrapped: bytes) -> bytes:
        if len(wrapped) > _MOST_WRAPPED_BYTES:
            raise BadRequest("This is no wrapped document key.")
        return self._context.wrapping.unwrap(self._role_context(context), wrapped)

    def _role_context(self, context: str) -> str:
        if not 0 < len(context) <= 200:
            raise BadRequest("A context has 1 to 200 characters.")
        return f"{self._role.value}:{context}"
