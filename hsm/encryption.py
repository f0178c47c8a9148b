"""Encryption of what leaves the machine: the age format (age-encryption.org/v1), for keys that are stored
elsewhere.

An encrypted file reveals its size and nothing else. Changes and truncation are detected on decryption. The command
``age -d -i KEY FILE`` decrypts a file without our software.
"""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import pyrage
from pyrage import x25519

from hsm.errors import DecryptionRefused, EncryptionRefused
from hsm.files import flush, new_file

_FAULTS = (pyrage.DecryptError, OSError, tarfile.TarError, EOFError)


def new_identity() -> str:
    """A new secret key, one line ``AGE-SECRET-KEY-1…``."""
    return str(x25519.Identity.generate())


def recipient_of(identity: str) -> str:
    """The public half, ``age1…``. Raises :class:`EncryptionRefused` when *identity* is no secret key."""
    return str(_identity(identity).to_public())


def identities_in(path: Path) -> list[str]:
    """The secret keys in the file *path*, one on a line, comments (``#``) left out, as age-keygen writes it.

    Raises :class:`EncryptionRefused` when it cannot be read, holds none, or others may read it.
    """
    try:
        if stat.S_ISREG(path.stat().st_mode) and path.stat().st_mode & 0o077:
            raise EncryptionRefused("Others may read the key file {path}; set its mode to 0600.", path=path)
        found = identities_of(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise EncryptionRefused("The key file {path} cannot be read.", path=path) from error
    if not found:
        raise EncryptionRefused("The key file {path} holds no key.", path=path)
    return found


def identities_of(text: str) -> list[str]:
    """The secret keys in the *text* of a key file. Raises :class:`EncryptionRefused` for any other line."""
    lines = [line.strip() for line in text.splitlines()]
    found = [line for line in lines if line and not line.startswith("#")]
    for line in found:
        _identity(line)
    return found


def encrypt_bytes(data: bytes, to: Sequence[str]) -> bytes:
    """*data*, encrypted for all recipients *to*. Raises :class:`EncryptionRefused` for an invalid recipient."""
    return bytes(pyrage.encrypt(data, _recipients(to)))


def decrypt_bytes(data: bytes, identities: Sequence[str]) -> bytes:
    """What :func:`encrypt_bytes` was given. Raises :class:`DecryptionRefused`."""
    try:
        return bytes(pyrage.decrypt(data, [_identity(each) for each in identities]))
    except _FAULTS as error:
        raise _broken("data", error) from error


def encrypt_file(source: Path, target: Path, to: Sequence[str]) -> None:
    """Writes *source*, encrypted, to the new file *target* (mode 0600), on disk on return."""
    with source.open("rb") as reader:
        _seal_from(reader, target, to)


def decrypt_file(source: Path, target: Path, identities: Sequence[str]) -> None:
    """Writes the content of the encrypted *source* to the new file *target* (mode 0600), on disk on return.

    Raises :class:`DecryptionRefused`; *target* may then hold a part of the content and must be deleted.
    """
    with source.open("rb") as reader, new_file(target) as writer:
        try:
            pyrage.decrypt_io(reader, writer, [_identity(each) for each in identities])
            flush(writer)
        except _FAULTS as error:
            raise _broken(source.name, error) from error


def encrypt_directory(directory: Path, target: Path, to: Sequence[str]) -> None:
    """Writes every file below *directory* as an encrypted tar to the new *target*; the plain tar exists only in a
    pipe."""

    def give(stream: BinaryIO) -> None:
        with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            for path in sorted(directory.rglob("*")):
                tar.add(path, arcname=str(path.relative_to(directory)), recursive=False, filter=_anonymous)

    with _written_by(give) as reader:
        _seal_from(reader, target, to)


def decrypt_directory(source: Path, directory: Path, identities: Sequence[str]) -> None:
    """Puts the files of an encrypted tree below *directory*, which exists. Raises :class:`DecryptionRefused`."""
    keys = [_identity(each) for each in identities]

    def give(stream: BinaryIO) -> None:
        with source.open("rb") as sealed:
            pyrage.decrypt_io(sealed, stream, keys)

    try:
        with _written_by(give) as reader:
            with tarfile.open(fileobj=reader, mode="r|") as tar:
                tar.extractall(directory, filter="data")
            while reader.read(1 << 16):  # the end of the seal is what proves that nothing was cut off
                pass
    except _FAULTS as error:
        raise _broken(source.name, error) from error


@contextmanager
def _written_by(give: Callable[[BinaryIO], None]) -> Iterator[BinaryIO]:
    """The reading end of a pipe into which *give* writes in a thread; what *give* raises is raised on leaving."""
    read, write = os.pipe()

    def run() -> None:
        with suppress(BrokenPipeError), os.fdopen(write, "wb") as stream:
            give(stream)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(run)
        try:
            with os.fdopen(read, "rb") as reader:
                yield reader
        finally:
            writing.result()


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without user, group and time: they mean nothing on another machine."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    return member


def _seal_from(reader: BinaryIO, target: Path, to: Sequence[str]) -> None:
    recipients = _recipients(to)
    try:
        with new_file(target) as writer:
            pyrage.encrypt_io(reader, writer, recipients)
            flush(writer)
    except (OSError, pyrage.EncryptError) as error:
        raise EncryptionRefused("{path} cannot be written: {why}.", path=target, why=error) from error


def _recipients(names: Sequence[str]) -> list[Any]:
    if not names:
        raise EncryptionRefused("There is no recovery key to seal for.")
    try:
        return [x25519.Recipient.from_str(name) for name in names]
    except pyrage.RecipientError as error:
        raise EncryptionRefused("A recovery key is not of the form age1….") from error


def _identity(line: str) -> Any:
    try:
        return x25519.Identity.from_str(line)
    except pyrage.IdentityError as error:
        raise EncryptionRefused("A secret key is not of the form AGE-SECRET-KEY-1….") from error


def _broken(name: str, error: BaseException) -> DecryptionRefused:
    if "No matching keys" in str(error):
        return DecryptionRefused("{name} was not sealed for this key.", name=name)
    return DecryptionRefused("{name} is damaged: its seal does not open.", name=name)
