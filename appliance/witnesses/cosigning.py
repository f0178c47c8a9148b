"""The witness itself: it keeps the last checkpoint of each log that it knows, and cosigns only what extends it.

It is worth what its memory is worth. The checkpoint is on the disk, under its name, before anybody has the
cosignature; one lock for each log lets no two requests be compared with the same state. Key and memory lie in one
directory: who loses it loses the key, and so cannot begin anew under the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from appliance.errors import ApplianceError, ConfigurationError
from appliance.sharing import make_directory, write_whole
from appliance.witnesses.messages import Submission, origin_hash, parse_submission
from hsm.errors import AuthorityError, ConsistencyRefused, Malformed
from hsm.files import file_lock, sync_directory
from hsm.merkle import EMPTY_ROOT, verify_consistency
from hsm.note import (
    Checkpoint,
    KeyKind,
    NoteKey,
    NoteRefused,
    NoteSignature,
    cosignature,
    parse_checkpoint,
    parse_note,
    signed_alone,
    verify_cosignature,
    verify_note,
    with_signatures,
)

KEY: Final = "witness.key"
"""The private key, PKCS#8 in PEM, mode 0600."""


class SubmissionRefused(ApplianceError, code="submission-refused"):
    """A checkpoint that is not cosigned; ``status`` is that of C2SP ``tlog-witness``. ``size`` is what was
    cosigned last, where the old size is another one (409). ``signed`` is the checkpoint of a known log that does
    not extend what was cosigned, under its own signatures alone: perhaps the proof of a fork."""

    def __init__(self, status: HTTPStatus, template: str, **values: object) -> None:
        super().__init__(template, **values)
        self.status = status
        self.signed = b""
        size = values.get("size")
        self.size = size if status is HTTPStatus.CONFLICT and isinstance(size, int) else None


class Witness:
    """A witness under a *name*, whose key and memory are in *directory*; *logs* are the keys that it trusts, by
    their names, which are the origins. Thread-safe, and so are several processes over one directory.

    Raises :class:`ConfigurationError` for a key that cannot be read, or that others may read.
    """

    def __init__(self, directory: Path, name: str, logs: Iterable[NoteKey], now: Callable[[], datetime]) -> None:
        self._directory, self._now = directory, now
        make_directory(directory)
        self._private = _read_or_make_key(directory / KEY)
        self.key = NoteKey(name, KeyKind.COSIGNATURE, self._private.public_key().public_bytes_raw())
        self._logs: dict[str, list[NoteKey]] = {}
        for log in logs:
            self._logs.setdefault(log.name, []).append(log)

    def add_checkpoint(self, body: bytes) -> NoteSignature:
        """The cosignature on the checkpoint of an ``add-checkpoint`` request. Raises :class:`SubmissionRefused`,
        and OSError when the memory cannot be read or written; then nothing was cosigned."""
        try:
            asked = parse_submission(body)
            note = parse_note(asked.checkpoint)
            checkpoint = parse_checkpoint(note.text)
        except Malformed as error:
            raise SubmissionRefused(HTTPStatus.BAD_REQUEST, error.template, **error.values) from error
        signed = self._as_signed(asked.checkpoint, checkpoint.origin)
        with self._locked(checkpoint.origin):
            try:
                self._require_extension(asked, checkpoint)
            except SubmissionRefused as refusal:
                refusal.signed = signed
                raise
            return self._cosign(signed, checkpoint.origin)

    def latest(self, origin_hash: str) -> bytes | None:
        """The last checkpoint that was cosigned, of the log whose origin has this SHA-256 (hexadecimal): the note
        with the log's signatures and ours; None for another log, and before the first."""
        known = {self._place(origin).name: origin for origin in self._logs}
        return self._remembered(known[origin_hash]) if origin_hash in known else None

    def states(self) -> Mapping[str, Checkpoint | None]:
        """By origin: what was cosigned last."""
        return {origin: self._state(origin) for origin in self._logs}

    def _as_signed(self, data: bytes, origin: str) -> bytes:
        """The note with the signatures of trusted keys alone: one of them at least, and all good."""
        keys = self._logs.get(origin)
        if keys is None:
            raise SubmissionRefused(
                HTTPStatus.NOT_FOUND, "This witness does not know the log {origin}.", origin=origin
            )
        present = {(each.name, each.key_id) for each in parse_note(data).signatures}
        found = [key for key in keys if (key.name, key.key_id) in present]
        try:
            if not found:
                raise NoteRefused("The note is not signed by {name}.", name=origin)
            verify_note(data, found)
        except NoteRefused as error:
            raise SubmissionRefused(HTTPStatus.FORBIDDEN, error.template, **error.values) from error
        first, *others = found
        more = [parse_note(data).by(key) for key in others]
        return with_signatures(signed_alone(data, first), more)

    def _require_extension(self, asked: Submission, new: Checkpoint) -> None:
        """In the order of the specification."""
        last = self._state(new.origin)
        old, root = (last.size, last.root) if last else (0, EMPTY_ROOT)
        if asked.old > new.size:
            raise SubmissionRefused(HTTPStatus.BAD_REQUEST, "The old size is above that of the checkpoint.")
        if asked.old != old:
            template = "The last size that was cosigned is {size}."
            raise SubmissionRefused(HTTPStatus.CONFLICT, template, size=old)
        if asked.old == new.size and new.root != root and last is not None:
            template = "Another root was cosigned for the size {of}."
            raise SubmissionRefused(HTTPStatus.CONFLICT, template, of=old)
        try:
            verify_consistency(old=old, old_root=root, new=new.size, new_root=new.root, proof=asked.proof)
        except ConsistencyRefused as error:
            raise SubmissionRefused(HTTPStatus.UNPROCESSABLE_ENTITY, error.template, **error.values) from error

    def _cosign(self, signed: bytes, origin: str) -> NoteSignature:
        """Remembered first: who has the cosignature finds this witness bound by it, whatever ends it in
        between."""
        made = cosignature(signed, self.key, self._private.sign, at=self._now())
        place = self._place(origin)
        write_whole(place, with_signatures(signed, [made]), durable=True)
        sync_directory(place.parent)
        return made

    def _state(self, origin: str) -> Checkpoint | None:
        data = self._remembered(origin)
        if data is None:
            return None
        try:
            verify_cosignature(data, self.key)
            state = parse_checkpoint(parse_note(data).text)
            if state.origin != origin:
                raise Malformed("The checkpoint is of another log.")
        except AuthorityError as error:
            place = self._place(origin)
            raise OSError(f"{place} is damaged ({error}); this witness must not go on under its key") from error
        return state

    def _remembered(self, origin: str) -> bytes | None:
        try:
            return self._place(origin).read_bytes()
        except FileNotFoundError:
            return None

    def _place(self, origin: str) -> Path:
        return self._directory / origin_hash(origin)

    def _locked(self, origin: str) -> AbstractContextManager[int]:
        """One request at a time for a log."""
        return file_lock(self._place(origin).with_suffix(".lock"))


def _read_or_make_key(path: Path) -> ed25519.Ed25519PrivateKey:
    """The key in *path*, made with mode 0600 where there is none: one, however many begin at once."""
    with file_lock(path.with_suffix(".lock")):
        if not path.exists():
            made = ed25519.Ed25519PrivateKey.generate()
            pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            write_whole(path, pem, durable=True)
            sync_directory(path.parent)
    if path.stat().st_mode & 0o077:
        raise ConfigurationError("Others may read {path}; set its mode to 0600.", path=path)
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError("{path} holds no private key.", path=path) from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise ConfigurationError("{path} holds no Ed25519 key.", path=path)
    return key
