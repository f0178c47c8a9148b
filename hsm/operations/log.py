"""Checkpoints of the log, through the witness that remembers what it signed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from hsm.checkpoint import LogExtension
from hsm.errors import CertificateRefused
from hsm.note import NoteKey
from hsm.operations.bench import Bench
from hsm.wire import field
from hsm.witness import CheckpointWitness


class Log:
    """Signs checkpoints with the log's key."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def checkpoint(self, arguments: Mapping[str, Any]) -> bytes:
        """The signed note after the given leaves, if the log before them is the one that was signed last."""
        extension = LogExtension(
            start=field(arguments, "start", int),
            frontier=field(arguments, "frontier", list),
            leaves=field(arguments, "leaves", list),
            root=field(arguments, "root", bytes),
        )
        signer = self._bench.signers.signer("log")
        key = signer.certificate.public_key()
        if not isinstance(key, (ed25519.Ed25519PublicKey, ec.EllipticCurvePublicKey)):
            raise CertificateRefused("The log's key must be Ed25519 or ECDSA.")
        self._bench.room.use(lambda: self._bench.room.handle(signer.label))
        named = NoteKey.of(self._bench.settings.log.origin, key)
        return CheckpointWitness(self._bench.store.checkpoints, named, signer.sign).sign(extension)
