"""What a ceremony gives to the world: the root, the chain, the log's key."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hsm.files import write
from hsm.note import NoteKey


def publish(directory: Path, *, root: x509.Certificate, issuing: x509.Certificate, log: NoteKey) -> None:
    """Writes ``ca.pem`` (the root alone), ``chain.pem`` (issuing CA, root) and ``log.vkey`` (one line)."""
    directory.mkdir(parents=True, exist_ok=True)
    root_pem, issuing_pem = (each.public_bytes(Encoding.PEM) for each in (root, issuing))
    write(directory / "ca.pem", root_pem, mode=0o644)
    write(directory / "chain.pem", issuing_pem + root_pem, mode=0o644)
    write(directory / "log.vkey", f"{log.vkey()}\n".encode(), mode=0o644)
