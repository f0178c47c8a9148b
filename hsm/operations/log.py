"""Checkpoints of the log, through the witness that remembers what it signed."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from hsm.checkpoint import LogExtension
from hsm.errors import CertificateRefused
from hsm.note import NoteKey
from hsm.operations.context import AuthorityContext
from hsm.witness import CheckpointWitness


class CheckpointOperations:
    """Signs checkpoints with the log's key."""

    def __init__(self, context: AuthorityContext) -> None:
        self._context = context

    def extend_log(self, extension: LogExtension) -> bytes:
        """The signed note after the given leaves, if the log before them is the one that was signed last."""
        signer = self._context.signers.signer("log")
        key = signer.certificate.public_key()
        if not isinstance(key, (ed25519.Ed25519PublicKey, ec.EllipticCurvePublicKey)):
            raise CertificateRefused("The log's key must be Ed25519 or ECDSA.")
        self._context.token.use(lambda: self._context.token.handle(signer.label))
        named = NoteKey.from_public_key(self._context.settings.log.origin, key)
        return CheckpointWitness(self._context.store.checkpoints, named, signer.sign).sign_extension(extension)
