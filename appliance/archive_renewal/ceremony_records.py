"""Key ceremonies are recorded in the log, so that changing the authority's record of one would show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from appliance.ledger.audit_trail import SYSTEM, AuditEvent, AuditTrail, EventKind, Field
from appliance.model.notice import NoticeKind
from appliance.office.context import notify_officers
from appliance.store import ledger
from appliance.store.database import Database
from hsm.client import AuthorityClient
from hsm.intents import instant
from hsm.operation_types import HeldCeremony


class CeremonyRecords:
    """Puts into the log what is not there yet. Thread-safe."""

    def __init__(
        self, database: Database, audit: AuditTrail, authority: AuthorityClient, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._audit = audit
        self._authority = authority
        self._now = now

    def record_ceremonies(self) -> None:
        """One look. Raises :class:`hsm.errors.AuthorityError` when the authority does not answer."""
        held = self._authority.ceremonies()
        with self._database.reading() as tx:
            known = ledger.ceremonies_in_log(tx)
        if new := [each for each in held if each.number not in known]:
            with self._database.transaction() as tx:
                for each in new:
                    if each.recovers_officers:
                        notify_officers(tx, NoticeKind.OFFICER_RECOVERY, self._now(), about=str(each.number))
                    ledger.insert_ceremony_entry(tx, each.number, self._audit.append(tx, self._event(each)))

    def _event(self, held: HeldCeremony) -> AuditEvent:
        public: dict[str, Field] = {
            "ceremony": held.number,
            "held": instant(held.held),
            "name": held.name,
            "transcript": held.sha256.hex(),
        }
        return AuditEvent(EventKind.KEY_CEREMONY, self._now(), SYSTEM, None, public)
