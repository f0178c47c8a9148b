"""Signed notes (C2SP ``signed-note``): text under signatures that each name their key. Checkpoints (C2SP
``tlog-checkpoint``) are such notes.

A key is written as one ``vkey`` line, ``<name>+<key id in hex>+<base64 of kind and key>``. Signing is a callable
over bytes, so that the key may be in the HSM.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from hsm.errors import AuthorityError, Malformed

_DASH = "\N{EM DASH} "
_LARGEST = 1 << 20
_MOST_SIGNATURES = 100


class NoteRefused(AuthorityError, code="note-refused"):
    """A note without a valid signature by the key that must have signed it."""


class KeyKind(IntEnum):
    """The signature type identifiers of C2SP ``signed-note``."""

    ED25519 = 0x01
    ECDSA = 0x02
    COSIGNATURE = 0x04


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A public key under a name. ``public`` is 32 bytes for Ed25519, a DER SPKI for ECDSA."""

    name: str
    kind: KeyKind
    public: bytes

    def __post_init__(self) -> None:
        if (
            not self.name
            or "+" in self.name
            or any(each.isspace() or not each.isprintable() for each in self.name)
        ):
            raise Malformed("A note key's name must not be empty nor have spaces or plus signs.")

    @classmethod
    def from_public_key(cls, name: str, key: ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey) -> NoteKey:
        """The named key for a log's public key: Ed25519 or ECDSA."""
        if isinstance(key, ec.EllipticCurvePublicKey):
            spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            return cls(name, KeyKind.ECDSA, spki)
        return cls(name, KeyKind.ED25519, key.public_bytes_raw())

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that a signature line names its key by."""
        if self.kind is KeyKind.ECDSA:
            return hashlib.sha256(self.public).digest()[:4]
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def vkey(self) -> str:
        """The key as one line, without a newline."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(bytes([self.kind]) + self.public)}"

    def verify(self, data: bytes, signature: bytes) -> None:
        """Raises :class:`NoteRefused` unless *signature* over *data* is this key's."""
        try:
            if self.kind is KeyKind.ECDSA:
                key = load_der_public_key(self.public)
                if not isinstance(key, ec.EllipticCurvePublicKey):
                    raise NoteRefused("The key {name} is not an elliptic curve key.", name=self.name)
                key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
            else:
                ed25519.Ed25519PublicKey.from_public_bytes(self.public).verify(signature, data)
        except (InvalidSignature, UnsupportedAlgorithm, ValueError) as error:
            raise NoteRefused("The signature of {name} on the note does not verify.", name=self.name) from error


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: the key's name and 4-byte id, and the signature's bytes."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """The line, with its newline."""
        return f"{_DASH}{self.name} {_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A note as read: ``text`` ends in a newline and is what was signed. Nothing is verified yet."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def encode(self) -> bytes:
        return (self.text + "\n" + "".join(each.line() for each in self.signatures)).encode()

    def by(self, key: NoteKey) -> NoteSignature:
        """The signature by *key*, by name and id, not verified. Raises :class:`NoteRefused` if there is none."""
        for each in self.signatures:
            if (each.name, each.key_id) == (key.name, key.key_id):
                return each
        raise NoteRefused("The note is not signed by {name}.", name=key.name)


def parse_vkey(line: str) -> NoteKey:
    """The key in a ``vkey`` line. Raises :class:`Malformed`, also when the id is not the key's."""
    parts = line.strip().split("+", 2)
    if len(parts) != 3:
        raise Malformed("A key line has the form name+id+key.")
    name, key_id, encoded = parts
    raw = _decode_base64(encoded)
    if not raw or raw[0] not in set(KeyKind):
        raise Malformed("The key line of {name} has an unknown kind of key.", name=name)
    key = NoteKey(name, KeyKind(raw[0]), raw[1:])
    if key.key_id.hex() != key_id:
        raise Malformed("The key line of {name} names another key id than its own.", name=name)
    return key


def read_vkey(path: Path) -> NoteKey:
    """The key in the file *path*, one line. Raises as :func:`parse_vkey`, and OSError."""
    return parse_vkey(path.read_text("ascii", errors="replace"))


def sign_note(text: str, key: NoteKey, sign: Callable[[bytes], bytes]) -> bytes:
    """The note of *text* (ending in a newline) signed by *key*, whose private half is behind *sign*."""
    _require_text(text)
    signature = sign(text.encode())
    key.verify(text.encode(), signature)
    return Note(text, (NoteSignature(key.name, key.key_id, signature),)).encode()


def parse_note(data: bytes) -> Note:
    """The note in *data*, nothing verified. Raises :class:`Malformed`."""
    if len(data) > _LARGEST:
        raise Malformed("The note is larger than a megabyte.")
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise Malformed("The note is not UTF-8.") from error
    text, separator, lines = whole.rpartition("\n\n")
    if not separator or not lines.endswith("\n"):
        raise Malformed("The note has no signatures under an empty line.")
    _require_text(text + "\n")
    rows = lines[:-1].split("\n")
    if len(rows) > _MOST_SIGNATURES:
        raise Malformed("The note has more than {most} signatures.", most=_MOST_SIGNATURES)
    return Note(text + "\n", tuple(_signature(row) for row in rows))


def verify_note(data: bytes, keys: Iterable[NoteKey]) -> Note:
    """The note in *data* if every one of *keys* signed it.

    Signatures by other keys are left alone, as C2SP says. Raises :class:`NoteRefused` or :class:`Malformed`.
    """
    note = parse_note(data)
    for key in keys:
        key.verify(note.text.encode(), note.by(key).signature)
    return note


def parse_signatures(data: bytes) -> tuple[NoteSignature, ...]:
    """The signature lines in *data*, which has nothing else, such as a witness's answer (C2SP ``tlog-witness``).

    Nothing is verified. Raises :class:`Malformed`.
    """
    return parse_note(b"\n\n" + data).signatures


def with_signatures(data: bytes, added: Iterable[NoteSignature]) -> bytes:
    """The note in *data* with the signatures *added* behind its own. Raises :class:`Malformed`."""
    note = parse_note(data)
    return Note(note.text, (*note.signatures, *added)).encode()


def signed_alone(data: bytes, key: NoteKey) -> bytes:
    """The note in *data* as *key* signed it, without the signatures of others: what a log's checkpoint was before
    witnesses cosigned it, and what its timestamp is over. Raises :class:`NoteRefused` or :class:`Malformed`."""
    note = parse_note(data)
    return Note(note.text, (note.by(key),)).encode()


def _signature(row: str) -> NoteSignature:
    name, separator, encoded = row.removeprefix(_DASH).partition(" ")
    raw = _decode_base64(encoded)
    if not row.startswith(_DASH) or not separator or not name or "+" in name or len(raw) < 5:
        raise Malformed("A signature line of the note is not of the form: dash, name, signature.")
    return NoteSignature(name, raw[:4], raw[4:])


def _require_text(text: str) -> None:
    if not text.endswith("\n") or any(each < " " and each != "\n" for each in text):
        raise Malformed("A note's text must end in a newline and have no control characters.")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decode_base64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("This is not base64.") from error
    if _base64(data) != text:
        raise Malformed("This base64 has more than one form.")
    return data


MOST_HASHES = 63
"""Hashes in a proof of a log of fewer than 2^63 entries (C2SP ``tlog-proof``, ``tlog-witness``)."""

MOST_LEAVES = 2048
"""Entries by which one request may extend the log: some milliseconds of hashing, no more."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log: its origin (the name of its key), its size in entries, and its root (32 bytes)."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The text that is signed."""
        root = base64.b64encode(self.root).decode()
        return "".join(f"{line}\n" for line in (self.origin, self.size, root, *self.extensions))


@dataclass(frozen=True, slots=True)
class LogExtension:
    """The next entries of a log that already has ``start`` of them.

    ``frontier`` has the hashes of the fewest complete subtrees over the entries before, largest first, and
    ``leaves`` those of the entries that follow, at most :data:`MOST_LEAVES`; ``root`` is the one over all of them
    together. Every hash has 32 bytes.
    """

    start: int
    frontier: Sequence[bytes]
    leaves: Sequence[bytes]
    root: bytes


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint in a note's text. Raises :class:`Malformed`."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() or not all(lines):
        raise Malformed("A checkpoint has at least three lines: origin, size, root; none is empty.")
    origin, size, root, *extensions = lines
    if not (size.isascii() and size.isdigit()) or (size[0] == "0" and size != "0") or len(size) > 19:
        raise Malformed("The size in a checkpoint is a decimal number without leading zeros.")
    try:
        decoded = base64.b64decode(root, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("The root in a checkpoint is not base64.") from error
    checkpoint = Checkpoint(origin, int(size), decoded, tuple(extensions))
    if checkpoint.size >= 1 << 63:  # C2SP tlog-proof and tlog-witness; databases, too, count no further
        raise Malformed("The size in a checkpoint is too large.")
    if len(decoded) != 32 or checkpoint.text() != text:
        raise Malformed("The root in a checkpoint is not 32 bytes in base64.")
    return checkpoint


def sign_checkpoint(checkpoint: Checkpoint, key: NoteKey, sign: Callable[[bytes], bytes]) -> bytes:
    """The signed note of *checkpoint*. Raises :class:`Malformed` unless its origin is the key's name."""
    if checkpoint.origin != key.name:
        raise Malformed("A checkpoint's origin must be the name of the key that signs it.")
    return sign_note(checkpoint.text(), key, sign)


def verify_checkpoint(data: bytes, key: NoteKey) -> Checkpoint:
    """The checkpoint in a note signed by the log's *key*. Raises :class:`NoteRefused` or :class:`Malformed`."""
    checkpoint = parse_checkpoint(verify_note(data, [key]).text)
    if checkpoint.origin != key.name:
        raise NoteRefused(
            "The checkpoint is of the log {origin}, not of {name}.", origin=checkpoint.origin, name=key.name
        )
    return checkpoint


def cosign(data: bytes, key: NoteKey, sign: Callable[[bytes], bytes], *, at: datetime) -> bytes:
    """The note with the witness's ``cosignature/v1`` at *at* (aware) added; earlier signatures stay.

    *key* is of the kind ``COSIGNATURE``. Whether the checkpoint extends the last one is for the caller to check.
    """
    return with_signatures(data, [cosignature(data, key, sign, at=at)])


def cosignature(data: bytes, key: NoteKey, sign: Callable[[bytes], bytes], *, at: datetime) -> NoteSignature:
    """What :func:`cosign` adds, alone."""
    note = parse_note(data)
    if key.kind is not KeyKind.COSIGNATURE:
        raise Malformed("A cosignature needs a key of its own kind.")
    seconds = int(at.timestamp())
    message = _cosigned(note.text, seconds)
    signature = sign(message)
    key.verify(message, signature)
    return NoteSignature(key.name, key.key_id, seconds.to_bytes(8, "big") + signature)


def verify_cosignature(data: bytes, key: NoteKey) -> datetime:
    """When *key* cosigned the checkpoint in *data*. Raises :class:`NoteRefused` or :class:`Malformed`."""
    note = parse_note(data)
    parse_checkpoint(note.text)
    stamped = note.by(key).signature
    if key.kind is not KeyKind.COSIGNATURE or len(stamped) != 72:
        raise NoteRefused("The signature of {name} is not a cosignature.", name=key.name)
    seconds = int.from_bytes(stamped[:8], "big")
    key.verify(_cosigned(note.text, seconds), stamped[8:])
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise Malformed("The time of the cosignature is out of all range.") from error


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()
