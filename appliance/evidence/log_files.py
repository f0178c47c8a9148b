"""The log's part of a package: checkpoint, entries, inclusion proofs, and the log's key; and whether its entries
are in the log whose checkpoint it has.

Proofs are offline proof files (C2SP ``tlog-proof``); the key is in the forms that ``openssl`` reads.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from appliance.evidence.layout import NO_RULE
from appliance.evidence.manifest import AnyManifest
from appliance.evidence.model import Files, LogEntry, LogMaterial, PackageRefused, part
from hsm import canonical, merkle
from hsm.note import Checkpoint, KeyKind, parse_note, parse_vkey, signed_alone, verify_checkpoint

CHECKPOINT: Final = "log/checkpoint"
CHECKPOINT_TEXT: Final = "log/checkpoint.text"
CHECKPOINT_SIGNATURE: Final = "log/checkpoint.sig"
CHECKPOINT_STAMP: Final = "log/checkpoint.tst"
VKEY: Final = "log/log.vkey"
PUBLIC_KEY: Final = "log/log.pub.pem"
WITNESS_POLICY: Final = "log/witness-policy.txt"


@dataclass(frozen=True, slots=True)
class LogSignature:
    """What the log itself signed of its checkpoint, what that says, and the bytes of the signature. ``note`` is
    the whole note as the log signed it, which its timestamp is over: the lines of witnesses follow behind."""

    text: bytes
    state: Checkpoint
    signature: bytes
    note: bytes


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
    if log.policy:
        files[WITNESS_POLICY] = log.policy
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
    state, note = replace(verify_checkpoint(checkpoint, key), extensions=()), parse_note(checkpoint)
    return LogSignature(note.text.encode(), state, note.by(key).signature, signed_alone(checkpoint, key))


def public_key_pem(vkey: str) -> bytes:
    """The log's key as SubjectPublicKeyInfo in PEM, as ``openssl pkeyutl`` reads it."""
    key = parse_vkey(vkey)
    if key.kind is KeyKind.ECDSA:
        return load_der_public_key(key.public).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    public = ed25519.Ed25519PublicKey.from_public_bytes(key.public)
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


_HEAD: Final = "c2sp.org/tlog-proof@v1"
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})")
_MOST_HASHES: Final = 63


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """A proof that the entry ``index`` is in the log of the ``checkpoint`` (the whole signed note)."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes


def parse_proof(proof: bytes) -> InclusionProof:
    """The proof in a ``.tlog-proof`` file, in its one form. Raises :class:`PackageRefused`."""
    head, blank, checkpoint = proof.partition(b"\n\n")
    lines = head.decode("utf-8", "replace").split("\n")
    index = _INDEX.fullmatch(lines[1]) if len(lines) > 1 else None
    if lines[0] != _HEAD or index is None or not blank or len(lines) - 2 > _MOST_HASHES:
        raise PackageRefused("An inclusion proof is not in the form of C2SP tlog-proof.")
    return InclusionProof(int(index[1]), tuple(_hash(line) for line in lines[2:]), checkpoint)


def proof_steps(index: int, size: int, hashes: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """From the leaf *index* of a log of *size* up to its root (RFC 6962, 2.1.1), for a proof that was verified:
    each sibling's hash (32 bytes), and whether it stands left of ours."""
    for (start, _), sibling in zip(merkle.inclusion_ranges(index, size), hashes, strict=True):
        yield sibling, start < index


def _hash(line: str) -> bytes:
    try:
        decoded = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PackageRefused("A hash of an inclusion proof is not base64.") from error
    if base64.b64encode(decoded).decode() != line:
        raise PackageRefused("A hash of an inclusion proof has more than one form.")
    return decoded


_FIELD = re.compile(r"[a-z0-9_-]+")
"""The name of a field of an entry. Checkers of earlier releases look for it with a program that can run others."""


def require_logged(files: Files, manifest: AnyManifest) -> list[LogEntry]:
    """The entries, each in the log by its proof, which leads to the checkpoint that the *manifest* names and the
    log signed. Raises :class:`PackageRefused` or the error of the part that found it."""
    vkey = part(files, VKEY).decode("ascii", "replace")
    checkpoint = part(files, CHECKPOINT)
    own = read_log_files(checkpoint, vkey)
    if own.state != manifest.checkpoint:
        raise PackageRefused("The checkpoint in the package is not the one that its manifest names.")
    if not checkpoint.startswith(own.note):
        raise PackageRefused("In the checkpoint of the package the log's own signature does not come first.")
    for path, expected in (
        (CHECKPOINT_TEXT, own.text),
        (CHECKPOINT_SIGNATURE, own.signature),
        (PUBLIC_KEY, public_key_pem(vkey)),
    ):
        if part(files, path) != expected:
            raise PackageRefused("The file {path} is not of its signature.", path=path)
    entries = _entries(files)
    for entry in entries:
        proof = parse_proof(entry.proof)
        if proof.index != entry.index or proof.checkpoint != checkpoint:
            raise PackageRefused("The proof of log entry {entry} is another one's.", entry=entry.index)
        leaf = merkle.leaf_hash(entry.leaf)
        if merkle.root_from_inclusion(entry.index, own.state.size, leaf, proof.hashes) != own.state.root:
            raise PackageRefused("The log entry {entry} is not in the log.", entry=entry.index)
    return entries


def _entries(files: Files) -> list[LogEntry]:
    """All entries; there is no proof or opening of another one."""
    entries = [_entry(files, path) for path in sorted(files) if path.startswith("log/entries/")]
    if not entries:
        raise PackageRefused("The package has no entry of the log.")
    own = {path(each.index) for each in entries for path in (proof_path, opening_path)}
    for path in files:
        if path.startswith(("log/proofs/", "log/openings/")) and path not in own:
            raise PackageRefused(NO_RULE, path=path)
    return entries


def _entry(files: Files, path: str) -> LogEntry:
    number = path.removeprefix("log/entries/").removesuffix(".json")
    if not number.isdecimal():
        raise PackageRefused("The file {path} is not named for a log entry.", path=path)
    index = int(number)
    opening = opening_path(index)
    opened = canonical.decode(part(files, opening)) if opening in files else {}
    if not all(_FIELD.fullmatch(name) for name in opened):
        raise PackageRefused("A file of the package is not in the form that it must have.")
    return LogEntry(index=index, leaf=part(files, path), proof=part(files, proof_path(index)), opening=opened)
