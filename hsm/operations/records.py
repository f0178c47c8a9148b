"""What is kept of ceremonies, and of every later change by which a key from one is exchanged or revoked.

The transcript is a file beside the store; its hash is in the store, in one transaction with what it tells of, and
goes into the appliance's log from there, so that neither can be changed unseen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import hashes

from hsm.activation.authoriser import AuthorisedIntent
from hsm.files import write_durably
from hsm.intents import OfficerIntent, instant
from hsm.operation_types import HeldCeremony
from hsm.operations.context import AuthorityContext, Handlers
from hsm.store import CeremonyRecord, CertificateRecord
from hsm.store.ceremonies import transcript_path


class CeremonyOperations(Handlers):
    """Reports them; they contain no secret."""

    def ceremonies(self) -> list[HeldCeremony]:
        return [self._held(each) for each in self._store.ceremonies.all_ceremonies()]

    def transcript(self, number: int) -> str:
        record = self._store.ceremonies.ceremony(number)
        return self._found(record).decode(errors="replace")

    def _held(self, record: CeremonyRecord) -> HeldCeremony:
        intact = hashlib.sha256(self._found(record)).digest() == record.sha256
        held = datetime.fromtimestamp(record.held, UTC)
        return HeldCeremony(record.number, record.name, record.sha256, held, intact)

    def _found(self, record: CeremonyRecord) -> bytes:
        try:
            return transcript_path(self._context.settings.home.store, record.name, record.held).read_bytes()
        except OSError:
            return b""


def save_record(context: AuthorityContext, name: str, text: str, *, now: datetime) -> Path:
    """Keeps the transcript *text* of the ceremony *name*, and its hash in the caller's transaction; the file."""
    held = int(now.timestamp())
    path = transcript_path(context.settings.home.store, name, held)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_durably(path, text.encode(), mode=0o600)
    context.store.ceremonies.add_ceremony(name, hashlib.sha256(text.encode()).digest(), held=held)
    return path


def record_rotation(
    context: AuthorityContext, intent: OfficerIntent, authorised: AuthorisedIntent, made: CertificateRecord
) -> None:
    """The record of a new key of a service, in the caller's transaction."""
    key = context.store.registry.key(made.label)
    results = [
        ("label", key.label),
        ("attributes read back", key.attributes),
        ("public key, SHA-256", hashlib.sha256(key.public_key).hexdigest()),
        *_certificate_lines(made),
        ("valid until", instant(made.certificate.not_valid_after_utc)),
    ]
    _record_intent(
        context, intent, authorised, f"A new key of {made.subject}, certified by {made.issuer}", results
    )


def record_revocation(
    context: AuthorityContext,
    intent: OfficerIntent,
    authorised: AuthorisedIntent,
    revoked: Sequence[CertificateRecord],
    reason: str,
) -> None:
    """The record of certificates of a service that were revoked, in the caller's transaction."""
    results = [("reason", reason), *(line for each in revoked for line in _certificate_lines(each))]
    _record_intent(context, intent, authorised, f"Certificates of {intent.details['subject']} revoked", results)


def _certificate_lines(record: CertificateRecord) -> list[tuple[str, str]]:
    return [
        ("serial number", record.serial),
        ("certificate, SHA-256", record.certificate.fingerprint(hashes.SHA256()).hex()),
    ]


def _record_intent(
    context: AuthorityContext,
    intent: OfficerIntent,
    authorised: AuthorisedIntent,
    what: str,
    results: Sequence[tuple[str, str]],
) -> None:
    """Named by the intent's nonce: two of one second are two files."""
    subject = intent.details["subject"]
    lines = [
        f"{what}, while the authority runs",
        f"Held at: {instant(authorised.at)}",
        f"Activated by: {', '.join(authorised.by)}",
        f"SHA-256 of the act: {intent.challenge().hex()}",
        *(f"{name}: {value}" for name, value in results),
    ]
    name = f"{intent.kind.replace('_', '-')}-{subject}-{intent.nonce.hex()[:8]}"
    save_record(context, name, "".join(f"{line}\n" for line in lines), now=authorised.at)
