"""What a ceremony gives to the world: the root, the chain, the log's key."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hsm.note import NoteKey


def publish(directory: Path, *, root: x509.Certificate, issuing: x509.Certificate, log: NoteKey) -> None:
    """Writes ``ca.pem`` (the root alone), ``chain.pem`` (issuing CA, root) and ``log.vkey`` (one line)."""
    directory.mkdir(parents=True, exist_ok=True)
    root_pem, issuing_pem = (each.public_bytes(Encoding.PEM) for each in (root, issuing))
    write(directory / "ca.pem", root_pem, mode=0o644)
    write(directory / "chain.pem", issuing_pem + root_pem, mode=0o644)
    write(directory / "log.vkey", f"{log.vkey()}\n".encode(), mode=0o644)


def write(path: Path, content: bytes, *, mode: int) -> None:
    """Replaces *path* in one step; on disk on return."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)
