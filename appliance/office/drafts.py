"""What an officer is about to do, prepared: the act's arguments, checked against what is known here."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from appliance.contact_details import organisation_name, person_name
from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.office import (
    SERVICE_DECISIONS,
    EnrolmentRequest,
    EnrolmentRequestState,
    OfficerDecision,
    OfficerDecisionKind,
    OfficerDecisionState,
)
from appliance.model.people import SealKind
from appliance.office.notices import checked_reason, notify_officers_of_decision
from appliance.office.seal_and_service_drafts import SealDecisionDrafts, ServiceDecisionDrafts
from appliance.store import directory, enrolment, officer_decisions, people
from appliance.store.database import Database, Transaction
from hsm.client import AuthorityClient
from hsm.intents import ASKED_ELSEWHERE_HOURS
from hsm.names import is_pin_custodian

LASTS = timedelta(minutes=15)
"""As long as the authority lets an officer's act wait."""

ASKED_ELSEWHERE_LASTS = timedelta(hours=ASKED_ELSEWHERE_HOURS)
"""The same for what administrators ask for in their console: they and the officers need not meet."""
_WIDTHS_MM = (10.0, 60.0)
_LEFT, _REPLACED = "affiliation_changed", "cessation_of_operation"


@dataclass(frozen=True, slots=True)
class SealDraft:
    """A company seal to be made: ``width_mm`` as printed; ``needed`` of its custodians release it together."""

    organisation: str
    kind: SealKind
    custodians: tuple[str, ...]
    width_mm: float
    needed: int = 1


class DecisionDrafts:
    """Makes open acts; ``seals``: those about seals that exist; ``services``: those about keys of services.

    Nothing is done yet: each waits for an officer's activation. Thread-safe.
    """

    def __init__(self, database: Database, authority: AuthorityClient, now: Callable[[], datetime]) -> None:
        self._database = database
        self._authority = authority
        self._now = now
        self.seals = SealDecisionDrafts(database, self._save, now)
        self.services = ServiceDecisionDrafts(authority, self._save)

    def draft_enrolment(self, request_id: str, *, verified: str, by: str) -> OfficerDecision:
        """The act that approves a request. *verified* says how the identity was checked, by whom and when.

        Raises :class:`StateRefused` when it was decided, :class:`PreconditionRefused` without the words.
        """
        words = checked_reason(verified, "Say how the identity was verified: by what document, by whom, when.")
        with self._database.reading() as tx:
            request = enrolment.request(tx, request_id)
            person = people.person(tx, request.subject)
            waiting = officer_decisions.open_for_request(tx, request_id, self._now())
        if request.state is not EnrolmentRequestState.OPEN:
            raise StateRefused("This request was decided in the meantime.")
        if waiting is not None and waiting.approved_by:
            return waiting
        known = bool(self._authority.credentials(request.subject))
        details: dict[str, Any] = {"subject": request.subject}
        if not known:
            organisation = person.organisation and organisation_name(person.organisation)
            details |= {"name": person_name(person.name), "organisation": organisation}
        kind = _kind_of(request.subject, known=known)
        _require_one(known, request)
        return self._save(kind, request.subject, details, {"verified": words}, by, request_id)

    def draft_seal(self, draft: SealDraft, *, by: str) -> OfficerDecision:
        """The act that makes a company seal. Raises :class:`PreconditionRefused` for what no seal can be."""
        low, high = _WIDTHS_MM
        if not low <= draft.width_mm <= high:
            raise PreconditionRefused("A seal is {low} to {high} mm wide.", low=int(low), high=int(high))
        if draft.organisation not in self._authority.organisations():
            raise PreconditionRefused(
                "The authority may not name the organisation {organisation}.", organisation=draft.organisation
            )
        custodians = tuple(dict.fromkeys(draft.custodians))
        with self._database.reading() as tx:
            _require_custodians(tx, draft.organisation, custodians)
        if draft.needed not in (1, 2) or len(custodians) < draft.needed:
            raise PreconditionRefused("A seal has at least as many custodians as release it together.")
        subject = f"seal-{secrets.token_hex(4)}"
        details = {
            "subject": subject,
            "name": f"{draft.organisation}{draft.kind.value}",
            "organisation": draft.organisation,
            "custodians": list(custodians),
            "kind": draft.kind.value,
            "needed": draft.needed,
        }
        notes = {"kind": draft.kind.name, "width_tenths_mm": round(draft.width_mm * 10)}
        return self._save(OfficerDecisionKind.ENROL_SEAL, subject, details, notes, by)

    def draft_revocation(self, subject: str, credential: str, *, by: str) -> OfficerDecision:
        """The act that ends one credential: its id in hex, or ``pin-totp`` for every PIN and code."""
        known = {
            "pin-totp" if each.credential_id is None else each.credential_id.hex()
            for each in self._authority.credentials(subject)
        }
        if credential not in known:
            raise StateRefused("{subject} has no such credential any more.", subject=subject)
        details = {"subject": subject, "credential": credential}
        return self._save(OfficerDecisionKind.REVOKE_CREDENTIAL, subject, details, {}, by)

    def draft_leaving(self, subject: str, *, by: str) -> OfficerDecision:
        """The act that ends everything with which *subject* signs, for good, with the account."""
        if subject == by:
            raise StateRefused("Nobody ends their own registration; another officer does.")
        details = {"subject": subject, "reason": _LEFT}
        return self._save(OfficerDecisionKind.RETIRE, subject, details, {}, by)

    def _save(
        self,
        kind: OfficerDecisionKind,
        subject: str,
        details: Mapping[str, Any],
        notes: Mapping[str, Any],
        by: str,
        request: str | None = None,
    ) -> OfficerDecision:
        now, is_asked_elsewhere = self._now().replace(microsecond=0), _is_asked_elsewhere(kind, subject)
        act = OfficerDecision(
            id=secrets.token_hex(8),
            kind=kind,
            subject=subject,
            details=details,
            notes=notes,
            nonce=secrets.token_bytes(16),
            expires=now + (ASKED_ELSEWHERE_LASTS if is_asked_elsewhere else LASTS),
            prepared_by=by,
            prepared=now,
            state=OfficerDecisionState.OPEN,
            request=request,
        )
        with self._database.transaction() as tx:
            officer_decisions.expire(tx, now)
            officer_decisions.insert_decision(tx, act)
            if is_asked_elsewhere:  # no officer began it, so none knows of it
                notify_officers_of_decision(tx, now, about=act.id)
        return act


def _is_asked_elsewhere(kind: OfficerDecisionKind, subject: str) -> bool:
    """Whether administrators ask for it, in their console."""
    return kind in SERVICE_DECISIONS or is_pin_custodian(subject)


def _kind_of(subject: str, *, known: bool) -> OfficerDecisionKind:
    if known:
        return OfficerDecisionKind.ADD_CREDENTIAL
    kinds = {"person": OfficerDecisionKind.ENROL_PERSON, "officer": OfficerDecisionKind.ENROL_OFFICER}
    kind = kinds.get(subject.partition("-")[0])
    if kind is None:
        raise StateRefused("{subject} signs nothing and needs no credentials.", subject=subject)
    return kind


def _require_one(known: bool, request: EnrolmentRequest) -> None:
    if known and len(request.credentials) != 1:
        raise StateRefused(
            "{subject} was enrolled in the meantime; one credential is added at a time. Refuse this request.",
            subject=request.subject,
        )


def _require_custodians(tx: Transaction, organisation: str, custodians: tuple[str, ...]) -> None:
    if not custodians:
        raise PreconditionRefused("A seal has at least one custodian.")
    fitting = {each.subject for each in directory.possible_custodians(tx, organisation)}
    if not set(custodians) <= fitting:
        raise PreconditionRefused(
            "Custodians are enrolled people of {organisation} who have the custodian's role.",
            organisation=organisation,
        )
