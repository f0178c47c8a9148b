"""Doing what officers activate: the authority first, then here, in one transaction with its event.

1. The decision is open and in time.
2. If the authority has done it already (the process died in between), step 5 is next.
3. The authority has verified and remembered the officer's activation (:mod:`webui.activation`).
4. With enough of them the authority does it, else the decision waits for another officer.
5. What follows here, the event, the notice and the end of the decision are one transaction: whoever comes second
   finds the decision ended.
"""

from __future__ import annotations

from appliance.accounts.context import AccountsContext
from appliance.enrolment_requests import refuse_decision
from appliance.errors import NotFound, StateRefused
from appliance.ledger.audit_trail import EventKind
from appliance.model.anchors import StatedAnchor
from appliance.model.office import (
    OfficerDecision,
    OfficerDecisionKind,
    OfficerDecisionState,
)
from appliance.model.powers import StatedPower
from appliance.office import effects
from appliance.office.effects import DecisionRecording
from appliance.office.notifying import checked_reason
from appliance.powers.register import require_waiting
from appliance.store import enrolment, officer_decisions, partners
from appliance.store.database import reads
from appliance.timestamping import TimestampIssuer
from hsm.intents import OfficerIntent


class OfficerDecisions(DecisionRecording):
    """Takes officers' activations. Thread-safe."""

    def __init__(self, context: AccountsContext) -> None:
        super().__init__(context)
        self._timestamps = TimestampIssuer(context.database, context.authority)

    find_decision = reads(officer_decisions.load_decision)

    def open_decision(self, act_id: str) -> OfficerDecision:
        """A decision that waits for officers. Raises :class:`StateRefused` for one that has ended, and about a
        power of attorney that has."""
        pending = self.find_decision(act_id)
        if pending.state is not OfficerDecisionState.OPEN:
            if pending.state is OfficerDecisionState.WITHDRAWN:
                raise StateRefused("The company that asked for this seal has withdrawn the request.")
            raise StateRefused("Another officer has ended this act in the meantime.")
        if pending.kind is OfficerDecisionKind.CONFIRM_POWER:
            self._database.query(require_waiting, pending.subject, pending.details)
        return pending

    def waiting_decisions(self) -> list[OfficerDecision]:
        """The decisions that wait for an officer, oldest first."""
        return self._database.query(officer_decisions.waiting, self._now())

    def to_activate(self, pending: OfficerDecision) -> OfficerIntent:
        """What the officer's authenticator is asked for; the credentials in it are those of the request."""
        more: dict[str, object] = {}
        if pending.request is not None and pending.state is OfficerDecisionState.OPEN:
            proposed = self._database.query(enrolment.request, pending.request).credentials
            fingerprints = [each.fingerprint for each in proposed]
            if not fingerprints:
                raise StateRefused("This request was decided in the meantime.")
            one = pending.kind is OfficerDecisionKind.ADD_CREDENTIAL
            more = {"credential": fingerprints[0]} if one else {"credentials": fingerprints}
        return pending.intent(**more)

    def perform_decision(self, act_id: str, *, by: str) -> OfficerDecision:
        """The decision after the officer *by* has activated it: done, or open while it waits for another officer.

        Raises :class:`StateRefused` when it has ended or expired, and what the authority refuses.
        """
        pending = self.open_decision(act_id)
        act, officer = self.to_activate(pending), by
        done = effects.is_done_at_authority(self._authority, pending, act)
        if not done:
            self._require_in_time(pending)
            approvals = self._authority.approvals(act)
            if officer not in approvals.given:
                raise StateRefused("Nothing was done: this was not confirmed. Open it again to confirm it.")
            if not approvals.enough:
                self._remember(pending, officer)
                return self.find_decision(act_id)
            if pending.kind is not OfficerDecisionKind.ENROL_PIN_CUSTODIAN:
                effects.perform_at_authority(self._authority, act)
        stated = self._stated(pending)
        with self._database.transaction() as tx:
            officer_decisions.end(tx, pending.id, OfficerDecisionState.DONE, at=self._now(), by=officer)
            if not done and pending.kind is OfficerDecisionKind.ENROL_PIN_CUSTODIAN:
                # Inside: ending a PIN custodian refuses this decision first, so it comes wholly before or wholly
                # after this. No HSM is asked, so that other writers do not wait for long.
                effects.perform_at_authority(self._authority, act)
            officer_decisions.approve(tx, pending.id, officer, self._now())
            self.record_decision(tx, officer_decisions.load_decision(tx, pending.id), by=officer, stated=stated)
        return self.find_decision(act_id)

    def refuse_decision(self, act_id: str, *, reason: str, by: str) -> None:
        """An officer ends a decision that waits; the request that it would decide stays open.

        The authority forgets its approvals first; when that does not answer, nothing changes. Raises
        :class:`StateRefused` when it has ended, :class:`ActivationUsed` when the authority has done it.
        """
        words, now = checked_reason(reason.strip() or "-", "Say why; the reason goes on record."), self._now()
        asked = self.open_decision(act_id)
        self._authority.withdraw(asked.intent())
        with self._database.transaction() as tx:
            pending = officer_decisions.load_decision(tx, act_id)
            refuse_decision(tx, pending, reason=words, by=by, at=now)

    def withdraw_seal(self, partner_id: str, act_id: str, *, by: str) -> None:
        """The partner's administrator *by* takes the request for a seal back.

        The authority forgets approvals first, as for :meth:`refuse_decision`, and raises the same. Raises
        :class:`NotFound` for anybody else and any other decision, :class:`StateRefused` when it waits no more.
        """
        with self._database.reading() as tx:
            asked = officer_decisions.load_decision(tx, act_id)
            own = {partner_id, partners.administered_by(tx, by), partners.partner_of(tx, asked.prepared_by)}
        if own != {partner_id} or asked.kind is not OfficerDecisionKind.ENROL_SEAL:
            raise NotFound("There is no act {id}.", id=act_id)
        now = self._now()
        if not asked.waits(now):
            raise StateRefused("This request does not wait for officers any more; look at what became of it.")
        self._authority.withdraw(asked.intent())
        with self._database.transaction() as tx:
            officer_decisions.end(tx, act_id, OfficerDecisionState.WITHDRAWN, at=now, by=by)
            public = {"subject": asked.subject, "act": act_id, "kind": asked.kind.value}
            self._append_event(tx, EventKind.OFFICE_ACT_WITHDRAWN, by, public)

    def _remember(self, pending: OfficerDecision, officer: str) -> None:
        with self._database.transaction() as tx:
            officer_decisions.approve(tx, pending.id, officer, self._now())
            public = {"subject": pending.subject, "act": pending.id, "kind": pending.kind.value}
            self._append_event(tx, EventKind.OFFICE_ACT_APPROVED, officer, public)

    def _stated(self, pending: OfficerDecision) -> StatedPower | StatedAnchor | None:
        """What the authority states of the power that *pending* confirms, or the anchor that it approves, with a
        timestamp."""
        if pending.kind is OfficerDecisionKind.APPROVE_ANCHOR:
            approved = self._authority.anchor_statement(pending.subject)
            return StatedAnchor(approved.statement, self._timestamps.stamp(approved.cms)[0])
        if pending.kind is not OfficerDecisionKind.CONFIRM_POWER:
            return None
        made = self._authority.power_statement(pending.subject)
        return StatedPower(made.statement, self._timestamps.stamp(made.cms)[0])

    def _require_in_time(self, pending: OfficerDecision) -> None:
        if pending.expires <= self._now():
            self._database.commit(officer_decisions.expire, self._now())
            raise StateRefused("The time for this act has run out; nothing was done. Prepare it again.")
