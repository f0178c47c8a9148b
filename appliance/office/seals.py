"""Company seals after they are made: looked at, and suspended at once when something is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from appliance.accounts.context import AccountsPart
from appliance.errors import NotFound, StateRefused
from appliance.ledger.audit_trail import EventKind
from appliance.model.office import OfficerDecision, OfficerDecisionKind
from appliance.model.people import Seal
from appliance.office.notifying import checked_reason
from appliance.store import officer_decisions, people, seal_requests
from hsm.operation_types import KnownCompanySeal


@dataclass(frozen=True, slots=True)
class SealDestruction:
    """How a seal ended: when, by which decision of officers; the certificate's ``serial`` (hex), how often it was
    used before (``uses``), and what the authority says of it now."""

    seal: Seal
    at: datetime
    act: OfficerDecision
    serial: str
    uses: int
    known: KnownCompanySeal


class CompanySeals(AccountsPart):
    """What needs no activation; all else is a decision of officers (``SealDecisionDrafts``). Thread-safe."""

    def destruction(self, subject: str) -> SealDestruction:
        """The record of the seal's end. Raises :class:`NotFound` while it stands."""
        with self._database.reading() as tx:
            seal = people.seal(tx, subject)
            act = officer_decisions.last_done(tx, subject, OfficerDecisionKind.DESTROY_SEAL)
            certificate = x509.load_der_x509_certificate(people.certificate(tx, subject))
            uses = seal_requests.uses_of(tx, subject)
        if seal.destroyed is None or act is None:
            raise NotFound("There is no record that the seal {seal} was destroyed.", seal=subject)
        serial = f"{certificate.serial_number:x}"
        return SealDestruction(seal, seal.destroyed, act, serial, uses, self._authority.seal(subject))

    def offered_picture(self, pending: OfficerDecision) -> bytes:
        """The picture (PNG) that *pending* would take into use; empty where it takes none."""
        if pending.kind is not OfficerDecisionKind.CHANGE_PICTURE or not pending.details["picture"]:
            return b""
        return self._database.query(people.seal_picture, pending.subject, str(pending.details["picture"]))

    def suspend(self, subject: str, *, reason: str, by: str) -> None:
        """Nothing is sealed with it from now on, also what was approved already, until officers let it go again.

        The authority stops it first: without the authority nothing is sealed either. Raises :class:`StateRefused`
        when it is suspended or destroyed already.
        """
        words = checked_reason(reason, "Say why; the reason goes on record.")
        seal = self._registry.seal(subject)
        if seal.suspended is not None:
            raise StateRefused("Another officer has changed this seal in the meantime.")
        self._authority.suspend_seal(subject)
        with self._database.transaction() as tx:
            if not people.suspend_seal(tx, subject, since=self._now()):
                raise StateRefused("Another officer has changed this seal in the meantime.")
            self._append_event(tx, EventKind.SEAL_SUSPENDED, by, {"subject": subject}, reason=words)
