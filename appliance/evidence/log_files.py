"""The log's part of a package: checkpoint, entries, proofs, and the key in the forms that ``openssl`` reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from appliance.evidence.manifest import ManifestLogState
from appliance.evidence.model import LogMaterial
from hsm import canonical
from hsm.checkpoint import verify_checkpoint
from hsm.note import KeyKind, parse_note, parse_vkey

CHECKPOINT: Final = "log/checkpoint"
CHECKPOINT_TEXT: Final = "log/checkpoint.text"
CHECKPOINT_SIGNATURE: Final = "log/checkpoint.sig"
CHECKPOINT_STAMP: Final = "log/checkpoint.tst"
VKEY: Final = "log/log.vkey"
PUBLIC_KEY: Final = "log/log.pub.pem"


@dataclass(frozen=True, slots=True)
class LogSignature:
    """What the log itself signed of its checkpoint, what that says, and the bytes of the signature."""

    text: bytes
    state: ManifestLogState
    signature: bytes


def log_files(log: LogMaterial) -> dict[str, bytes]:
    """Path → bytes below ``log/``. Raises :class:`AuthorityError` when the checkpoint does not hold."""
    note = read_log_files(log.checkpoint, log.vkey)
    files = {
        CHECKPOINT: log.checkpoint,
        CHECKPOINT_TEXT: note.text,
        CHECKPOINT_SIGNATURE: note.signature,
        CHECKPOINT_STAMP: log.checkpoint_token,
        VKEY: log.vkey.strip().encode() + b"\n",
        PUBLIC_KEY: public_key_pem(log.vkey),
    }
    for entry in log.entries:
        files[entry_path(entry.index)] = entry.leaf
        files[proof_path(entry.index)] = entry.proof
        if entry.opening:
            files[opening_path(entry.index)] = canonical.encode(dict(entry.opening))
    return files


def number(index: int) -> str:
    """The index as it stands in file names: eight digits, so that names sort."""
    return f"{index:08}"


def entry_path(index: int) -> str:
    """The leaf's canonical bytes."""
    return f"log/entries/{number(index)}.json"


def proof_path(index: int) -> str:
    """The inclusion proof, with the checkpoint that it leads to."""
    return f"log/proofs/{number(index)}.tlog-proof"


def opening_path(index: int) -> str:
    """The private fields behind the entry's commitments."""
    return f"log/openings/{number(index)}.json"


def read_log_files(checkpoint: bytes, vkey: str) -> LogSignature:
    """The checkpoint, verified with the log's key *vkey*. Raises :class:`hsm.errors.AuthorityError`."""
    key = parse_vkey(vkey)
    stated = verify_checkpoint(checkpoint, key)
    note = parse_note(checkpoint)
    state = ManifestLogState(stated.origin, stated.size, stated.root)
    return LogSignature(note.text.encode(), state, note.by(key).signature)


def public_key_pem(vkey: str) -> bytes:
    """The log's key as SubjectPublicKeyInfo in PEM, as ``openssl pkeyutl`` reads it."""
    key = parse_vkey(vkey)
    if key.kind is KeyKind.ECDSA:
        return load_der_public_key(key.public).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    public = ed25519.Ed25519PublicKey.from_public_bytes(key.public)
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
