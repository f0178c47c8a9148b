"""The agreement to sign electronically: proposed as a record, accepted by the person's own signature over it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from appliance.contracts.agreement_text import VERSION, agreement_text, text_digest
from appliance.contracts.room import SigningRoom
from appliance.errors import StateRefused
from appliance.history.events import EventKind, HistoryEvent
from appliance.language import Language
from appliance.model.acceptance import AgreementRecord
from appliance.model.people import Person
from appliance.store import agreements, people
from hsm import canonical
from hsm.acts import Activation, SigningIntent, instant
from hsm.cms import add_signature_timestamp, signature_value
from hsm.timestamp import parse_token

RECORD_FORMAT = "vermilion-agreement/1"
CONTRACT = "agreement-electronic-signing"
FIELD = "agreement"
"""What stands for contract and field in the act: an acceptance can be taken for no contract's signature."""


@dataclass(frozen=True, slots=True)
class ProposedAgreement:
    """What a person is shown and activates; ``text`` in the person's language."""

    id: str
    text: str
    record: bytes
    act: SigningIntent


class Agreements:
    """Asked once a person and version of the text. Thread-safe."""

    def __init__(self, room: SigningRoom) -> None:
        self._room = room

    def accepted(self, subject: str) -> AgreementRecord | None:
        """The person's acceptance of the current text, or None."""
        with self._room.database.reading() as tx:
            return agreements.accepted_by(tx, subject, VERSION)

    def propose(self, subject: str) -> ProposedAgreement:
        """The current text for a person to accept. Raises :class:`StateRefused` when it was accepted already."""
        now = self._room.now()
        with self._room.database.transaction() as tx:
            if agreements.accepted_by(tx, subject, VERSION):
                raise StateRefused("{person} has accepted this agreement already.", person=subject)
            person = people.person(tx, subject)
            record = _record(person, now)
            act = SigningIntent(
                contract=f"{CONTRACT}-{VERSION}",
                party=subject,
                field=FIELD,
                signer=subject,
                digest=hashlib.sha256(record).digest(),
                expires=(now + self._room.lifetime).replace(microsecond=0),
                nonce=secrets.token_bytes(16),
            )
            proposal = AgreementRecord(secrets.token_hex(12), subject, VERSION, record, act, now)
            agreements.insert(tx, proposal)
        return ProposedAgreement(proposal.id, agreement_text(person.language), record, act)

    def accept(self, agreement_id: str, activations: Sequence[Activation]) -> AgreementRecord:
        """The acceptance: signed by the person's key, timestamped, in the log, in one commit.

        Raises :class:`ActivationRefused`, or :class:`StateRefused` when it is late or was accepted before. After a
        crash the proposal expires unaccepted and the person is asked again.
        """
        room = self._room
        with room.database.reading() as tx:
            proposal = agreements.load(tx, agreement_id)
        if proposal.accepted is not None or room.now() >= proposal.act.expires:
            raise StateRefused("This agreement can no longer be accepted here; ask for it again.")
        cms = room.authority.sign_document(proposal.act, activations)
        token = room.timestamps.token(hashlib.sha256(signature_value(cms)).digest())
        at = parse_token(token).gen_time
        with room.database.transaction() as tx:
            entry = room.chronicle.tell(tx, _accepted_event(proposal, at))
            signed = add_signature_timestamp(cms, token)
            agreements.accept(tx, proposal, at=at, cms=signed, entry=entry)
            return agreements.load(tx, agreement_id)


def _record(person: Person, now: datetime) -> bytes:
    return canonical.encode(
        {
            "format": RECORD_FORMAT,
            "language": person.language.value,
            "name": person.name,
            "organisation": person.organisation,
            "person": person.subject,
            "proposed": instant(now),
            "texts": {language.value: text_digest(language) for language in Language},
            "version": VERSION,
        }
    )


def _accepted_event(proposal: AgreementRecord, at: datetime) -> HistoryEvent:
    public = {"version": proposal.version, "signed": proposal.act.digest.hex(), "person": proposal.person}
    return HistoryEvent(EventKind.AGREEMENT_ACCEPTED, at, proposal.person, None, public)
