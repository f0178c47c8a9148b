"""What a ceremony gives to the world: the root, the chain, the log's key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hsm.files import write_durably
from hsm.note import NoteKey


def publish(directory: Path, *, root: x509.Certificate, issuing: x509.Certificate, log: NoteKey) -> None:
    """Writes ``ca.pem`` (the root alone), ``chain.pem`` (issuing CA, root) and ``log.vkey`` (one line)."""
    directory.mkdir(parents=True, exist_ok=True)
    write_durably(directory / "ca.pem", root.public_bytes(Encoding.PEM), mode=0o644)
    publish_chain(directory, [issuing, root])
    write_durably(directory / "log.vkey", f"{log.vkey()}\n".encode(), mode=0o644)


def publish_chain(directory: Path, chain: Sequence[x509.Certificate]) -> None:
    """Writes ``chain.pem``: every issuing CA, the one that issues now first, and the root last."""
    write_durably(directory / "chain.pem", b"".join(each.public_bytes(Encoding.PEM) for each in chain), mode=0o644)
