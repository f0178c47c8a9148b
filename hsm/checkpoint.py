"""Checkpoints (C2SP ``tlog-checkpoint``) and their cosignatures (C2SP ``tlog-cosignature``)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from hsm.errors import Malformed
from hsm.note import KeyKind, Note, NoteKey, NoteRefused, NoteSignature, parse_note, sign_note, verify_note

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
    note = parse_note(data)
    if key.kind is not KeyKind.COSIGNATURE:
        raise Malformed("A cosignature needs a key of its own kind.")
    seconds = int(at.timestamp())
    message = _cosigned(note.text, seconds)
    signature = sign(message)
    key.verify(message, signature)
    added = NoteSignature(key.name, key.key_id, seconds.to_bytes(8, "big") + signature)
    return Note(note.text, (*note.signatures, added)).encode()


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
