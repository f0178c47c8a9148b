"""Company seals after they are made: looked at, what they may be used for, and suspended at once when something is
wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from cryptography import x509

from appliance.accounts.context import AccountsPart
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import EventKind
from appliance.model.office import OfficerDecision, OfficerDecisionKind
from appliance.model.people import Seal
from appliance.model.seal_rules import PermittedUse, SealFiling
from appliance.office.notifying import checked_reason
from appliance.store import officer_decisions, people, seal_requests, seal_rules
from appliance.store.database import Transaction
from hsm.names import visible
from hsm.operation_types import KnownCompanySeal

MOST_KINDS: Final = 20
LONGEST_KIND: Final = 60
"""Characters of a type of contract, as in drafts."""

LONGEST_FILING: Final = 100
"""Characters of an authority's name, and of a number there."""


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

    def rules(self, subject: str) -> PermittedUse:
        """What the seal may be used for."""
        return self._database.query(seal_rules.rules_of, subject)

    def of_partner(self, organisation: str) -> tuple[list[Seal], list[OfficerDecision]]:
        """The seals of another company, and those that it has asked for and that were not made."""
        with self._database.reading() as tx:
            made = [each for each in people.seals(tx) if each.outside and each.organisation == organisation]
            return made, officer_decisions.seals_asked_for(tx, organisation)

    def filings(self, subject: str) -> list[SealFiling]:
        """Where it is on file, the newest entry first."""
        return self._database.query(seal_rules.filings_of, subject)

    def set_rules(self, subject: str, rules: PermittedUse, *, by: str) -> None:
        """From now on the seal is refused for other contracts, while drafting and when it is used. Raises
        :class:`PreconditionRefused` for rules that cannot be kept, :class:`StateRefused` for a destroyed seal."""
        kinds = tuple(dict.fromkeys(filter(None, map(visible, rules.kinds))))
        if len(kinds) > MOST_KINDS or any(len(kind) > LONGEST_KIND for kind in kinds):
            raise PreconditionRefused(
                "A seal is for at most {most} types of contract, each of at most {longest} characters.",
                most=MOST_KINDS,
                longest=LONGEST_KIND,
            )
        checked = replace(rules, kinds=kinds)
        with self._database.transaction() as tx:
            self._require_standing(tx, subject)
            seal_rules.save_rules(tx, subject, checked)
            said = {"kinds": "、".join(kinds), "limit": "" if rules.limit is None else str(rules.limit)}
            said |= {"positions": " ".join(rules.positions)} if rules.positions else {}
            self._append_event(tx, EventKind.SEAL_RULES_CHANGED, by, {"subject": subject}, **said)

    def file(self, subject: str, *, authority: str, number: str, day: date | None, by: str) -> None:
        """Keeps where the chop is on file, and since which *day*. Raises :class:`PreconditionRefused` for what
        cannot be, :class:`StateRefused` for a destroyed seal."""
        words = {"authority": visible(authority), "number": visible(number)}
        if not all(1 <= len(each) <= LONGEST_FILING for each in words.values()):
            raise PreconditionRefused(
                "Give the authority and the number of the registration, in at most {most} characters each.",
                most=LONGEST_FILING,
            )
        now = self._now()
        if day is None or day > now.date() + timedelta(days=1):  # where the day has begun already
            raise PreconditionRefused("The day of the registration is a date that is not in the future.")
        with self._database.transaction() as tx:
            self._require_standing(tx, subject)
            seal_rules.insert_filing(tx, subject, SealFiling(**words, day=day, entered=now, entered_by=by))
            said = {**words, "day": day.isoformat()}
            self._append_event(tx, EventKind.SEAL_FILED, by, {"subject": subject}, **said)

    def _require_standing(self, tx: Transaction, subject: str) -> None:
        if people.seal(tx, subject).destroyed is not None:
            raise StateRefused("The seal is destroyed; nothing changes it any more.")

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
