"""Checkpoints of the log, through the witness that remembers what it signed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from hsm.errors import BadRequest, CertificateRefused
from hsm.note import NoteKey
from hsm.operations.bench import Bench
from hsm.wire import field
from hsm.witness import CheckpointWitness

_MOST_HASHES = 64


class Log:
    """Signs checkpoints with the log's key."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def checkpoint(self, arguments: Mapping[str, Any]) -> bytes:
        """The signed note, if the consistency proof leads from the last one signed to this one."""
        proof = field(arguments, "consistency", list)
        if len(proof) > _MOST_HASHES or any(type(each) is not bytes or len(each) != 32 for each in proof):
            raise BadRequest("A consistency proof is a list of at most {most} hashes.", most=_MOST_HASHES)
        signer = self._bench.signers.signer("log")
        key = signer.certificate.public_key()
        if not isinstance(key, (ed25519.Ed25519PublicKey, ec.EllipticCurvePublicKey)):
            raise CertificateRefused("The log's key must be Ed25519 or ECDSA.")
        self._bench.room.use(lambda: self._bench.room.handle(signer.label))
        named = NoteKey.of(self._bench.settings.log.origin, key)
        witness = CheckpointWitness(self._bench.store.checkpoints, named, signer.sign)
        return witness.sign(field(arguments, "size", int), field(arguments, "root", bytes), proof)
