"""What is kept of ceremonies, and of every later act by which a key that one made is exchanged or revoked.

The transcript is a file beside the store; its hash is in the store, in one transaction with what it tells of, and
goes into the appliance's log from there, so that neither can be changed unseen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes

from hsm.activation.judge import Authorised
from hsm.acts import OfficerAct, instant
from hsm.answers import HeldCeremony
from hsm.files import write
from hsm.operations.bench import Bench
from hsm.store import CeremonyRecord, CertificateRecord
from hsm.store.ceremonies import transcript_of
from hsm.wire import field


class Records:
    """Tells of them; nothing secret is in one."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def ceremonies(self, _arguments: Mapping[str, Any]) -> list[Any]:
        """Every ceremony, the first first, and whether its transcript is as it was written."""
        return [self._held(each).to_wire() for each in self._bench.store.ceremonies.all()]

    def transcript(self, arguments: Mapping[str, Any]) -> str:
        """The transcript of the ceremony ``number``, as it is found; empty when it is gone."""
        record = self._bench.store.ceremonies.one(field(arguments, "number", int))
        return self._found(record).decode(errors="replace")

    def _held(self, record: CeremonyRecord) -> HeldCeremony:
        intact = hashlib.sha256(self._found(record)).digest() == record.sha256
        held = datetime.fromtimestamp(record.held, UTC)
        return HeldCeremony(record.number, record.name, record.sha256, held, intact)

    def _found(self, record: CeremonyRecord) -> bytes:
        try:
            return transcript_of(self._bench.settings.home.store, record.name, record.held).read_bytes()
        except OSError:
            return b""


def keep_record(bench: Bench, name: str, text: str, *, now: datetime) -> Path:
    """Keeps the transcript *text* of the ceremony *name*, and its hash in the caller's transaction; the file."""
    held = int(now.timestamp())
    path = transcript_of(bench.settings.home.store, name, held)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write(path, text.encode(), mode=0o600)
    bench.store.ceremonies.add(name, hashlib.sha256(text.encode()).digest(), held=held)
    return path


def keep_rotation(bench: Bench, act: OfficerAct, authorised: Authorised, made: CertificateRecord) -> None:
    """The record of a new key of a service, in the caller's transaction."""
    key = bench.store.registry.key(made.label)
    results = [
        ("label", key.label),
        ("attributes read back", key.attributes),
        ("public key, SHA-256", hashlib.sha256(key.public_key).hexdigest()),
        *_told(made),
        ("valid until", instant(made.certificate.not_valid_after_utc)),
    ]
    _keep(bench, act, authorised, f"A new key of {made.subject}, certified by {made.issuer}", results)


def keep_revocation(
    bench: Bench, act: OfficerAct, authorised: Authorised, revoked: Sequence[CertificateRecord], reason: str
) -> None:
    """The record of certificates of a service that were revoked, in the caller's transaction."""
    results = [("reason", reason), *(line for each in revoked for line in _told(each))]
    _keep(bench, act, authorised, f"Certificates of {act.details['subject']} revoked", results)


def _told(record: CertificateRecord) -> list[tuple[str, str]]:
    return [
        ("serial number", record.serial),
        ("certificate, SHA-256", record.certificate.fingerprint(hashes.SHA256()).hex()),
    ]


def _keep(
    bench: Bench, act: OfficerAct, authorised: Authorised, what: str, results: Sequence[tuple[str, str]]
) -> None:
    """Named by the act's nonce: two of one second are two files."""
    subject = act.details["subject"]
    lines = [
        f"{what}, while the authority runs",
        f"Held at: {instant(authorised.at)}",
        f"Activated by: {', '.join(authorised.by)}",
        f"SHA-256 of the act: {act.challenge().hex()}",
        *(f"{name}: {value}" for name, value in results),
    ]
    name = f"{act.kind.replace('_', '-')}-{subject}-{act.nonce.hex()[:8]}"
    keep_record(bench, name, "".join(f"{line}\n" for line in lines), now=authorised.at)
