"""What an officer is about to do, prepared: the decision's arguments, checked against what is known here."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

from appliance.accounts.context import AccountsContext, AccountsPart
from appliance.appearances.scans import SealPicture
from appliance.contact_details import organisation_name, person_name
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.model.notice import NoticeKind
from appliance.model.office import (
    SERVICE_DECISIONS,
    EnrolmentRequest,
    EnrolmentRequestState,
    NewPinCustodian,
    OfficerDecision,
    OfficerDecisionState,
)
from appliance.model.office import OfficerDecisionKind as Kind
from appliance.model.people import Seal, SealKind
from appliance.office import effects
from appliance.office.notifying import checked_reason, notify_officers
from appliance.powers.register import arguments, of_another, require_waiting
from appliance.store import anchors, enrolment, members, officer_decisions, partners, people
from appliance.store import people as store
from appliance.store.database import Transaction
from hsm.intents import ASKED_BY_PARTNER_HOURS, ASKED_ELSEWHERE_HOURS
from hsm.names import OUTSIDE_SEAL, is_outside, is_pin_custodian, visible
from hsm.remote import RemoteUse

LASTS = timedelta(minutes=15)
"""As long as the authority lets an officer's decision wait."""

ASKED_ELSEWHERE_LASTS = timedelta(hours=ASKED_ELSEWHERE_HOURS)
"""The same for what administrators ask for in their console: they and the officers need not meet."""
ASKED_BY_PARTNER_LASTS = timedelta(hours=ASKED_BY_PARTNER_HOURS)
"""The same for the seal of a partner organisation, whose administrator asks officers for it."""

MOST_ASKED_BY_PARTNER = 5
"""Seals of one partner that wait for officers, or were withdrawn on the last day: officers get a mail for each."""

_WIDTHS_MM = (10.0, 60.0)
_LEFT = "affiliation_changed"
_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class SealDraft:
    """A company seal to be made: ``width_mm`` as printed; ``needed`` of its custodians release it together;
    ``unit`` is the department or branch whose seal it is."""

    organisation: str
    kind: SealKind
    custodians: tuple[str, ...]
    width_mm: float
    needed: int = 1
    unit: str = ""


class _Drafts(AccountsPart):
    """Puts open decisions on disk."""

    def _save(
        self,
        kind: Kind,
        subject: str,
        details: Mapping[str, Any] = _NONE,
        notes: Mapping[str, Any] = _NONE,
        *,
        by: str,
        request: str | None = None,
    ) -> OfficerDecision:
        now = self._now().replace(microsecond=0)
        # By administrators, in their console; by the administrator of a partner organisation.
        is_asked_elsewhere = kind in SERVICE_DECISIONS or is_pin_custodian(subject) or is_outside(by)
        lasts = ASKED_ELSEWHERE_LASTS if is_asked_elsewhere else LASTS
        act = OfficerDecision(
            id=secrets.token_hex(8),
            kind=kind,
            subject=subject,
            details={"subject": subject, **details},
            notes=notes,
            nonce=secrets.token_bytes(16),
            expires=now + (ASKED_BY_PARTNER_LASTS if is_outside(by) else lasts),
            prepared_by=by,
            prepared=now,
            state=OfficerDecisionState.OPEN,
            request=request,
        )
        with self._database.transaction() as tx:
            officer_decisions.expire(tx, now)
            officer_decisions.insert_decision(tx, act)
            if is_asked_elsewhere:  # no officer began it, so none knows of it
                notify_officers(tx, NoticeKind.ACT_WAITING, now, about=act.id)
        return act


class DecisionDrafts(_Drafts):
    """Makes open decisions; ``seals``: those about seals that exist; ``services``: those about keys of services;
    ``powers``: those about powers of attorney; ``anchors``: those about certification authorities of others.

    Nothing is done yet: each waits for an officer's activation. Thread-safe.
    """

    def __init__(self, context: AccountsContext) -> None:
        super().__init__(context)
        self.seals = SealDecisionDrafts(context)
        self.services = ServiceDecisionDrafts(context)
        self.powers = PowerDecisionDrafts(context)
        self.anchors = AnchorDecisionDrafts(context)

    def draft_enrolment(self, request_id: str, *, verified: str, by: str) -> OfficerDecision:
        """The decision that approves a request. *verified* says how the identity was checked, by whom and when.

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
        details = {}
        if not known:
            organisation = person.organisation and organisation_name(person.organisation)
            details = {"name": person_name(person.name), "organisation": organisation}
        kind = _kind_of(request, known=known)
        return self._save(kind, request.subject, details, {"verified": words}, by=by, request=request_id)

    def draft_seal(self, draft: SealDraft, *, by: str) -> OfficerDecision:
        """The decision that makes a company seal. Raises :class:`PreconditionRefused` for what no seal can be."""
        low, high = _WIDTHS_MM
        if not low <= draft.width_mm <= high:
            raise PreconditionRefused("A seal is {low} to {high} mm wide.", low=int(low), high=int(high))
        outside = draft.organisation not in self._authority.organisations()
        if outside and not self._database.query(members.is_outside_organisation, draft.organisation):
            raise PreconditionRefused(
                "The authority may not name the organisation {organisation}.", organisation=draft.organisation
            )
        custodians = tuple(dict.fromkeys(draft.custodians))
        self._database.query(_require_custodians, draft.organisation, custodians, outside=outside)
        if draft.needed not in (1, 2) or len(custodians) < draft.needed:
            raise PreconditionRefused("A seal has at least as many custodians as release it together.")
        unit = _checked_unit(draft)
        subject = f"{OUTSIDE_SEAL if outside else 'seal-'}{secrets.token_hex(4)}"
        details = {
            "name": f"{draft.organisation}{draft.kind.called(unit)}",
            "organisation": draft.organisation,
            "custodians": list(custodians),
            "kind": draft.kind.value,
            "needed": draft.needed,
        }
        notes = {"kind": draft.kind.name, "width_tenths_mm": round(draft.width_mm * 10), "unit": unit}
        return self._save(Kind.ENROL_SEAL, subject, details, notes, by=by)

    def draft_partner_seal(self, partner_id: str, draft: SealDraft, *, by: str) -> OfficerDecision:
        """The same, which the partner's administrator *by* asks officers for, who are told: a seal of that partner
        alone, kept by its representatives. Raises :class:`NotFound` for anybody else, :class:`StateRefused` while
        many wait."""
        with self._database.reading() as tx:
            if partners.administered_by(tx, by) != partner_id:
                raise NotFound("There is no partner {partner}.", partner=partner_id)
            name = partners.load_partner(tx, partner_id).name
            if any(partners.partner_of(tx, each) != partner_id for each in draft.custodians):
                raise PreconditionRefused(_FITTING[True], organisation=name)
            now = self._now()
            asked = officer_decisions.count_asked_for(tx, name, now, since=now - timedelta(days=1))
        if asked >= MOST_ASKED_BY_PARTNER:
            raise StateRefused(
                "{most} of your seals already wait for officers, or were withdrawn on the last day; ask again"
                " later.",
                most=MOST_ASKED_BY_PARTNER,
            )
        return self.draft_seal(replace(draft, organisation=name), by=by)

    def draft_revocation(self, subject: str, credential: str, *, by: str) -> OfficerDecision:
        """The decision that ends one credential: its id in hex, or ``pin-totp`` for every PIN and code."""
        known = {
            "pin-totp" if each.credential_id is None else each.credential_id.hex()
            for each in self._authority.credentials(subject)
        }
        if credential not in known:
            raise StateRefused("{subject} has no such credential any more.", subject=subject)
        return self._save(Kind.REVOKE_CREDENTIAL, subject, {"credential": credential}, by=by)

    def draft_remote_key(self, subject: str, use: RemoteUse, *, by: str) -> OfficerDecision:
        """The decision that gives *subject* a key for *use*, also in the place of one from before. Raises
        :class:`PreconditionRefused` for somebody without a certificate, and where the settings allow no such key.
        """
        if is_outside(subject) or effects.certificate_of(self._authority, subject) is None:
            raise PreconditionRefused("Keys for other software are for people of this house who can sign.")
        limits = self._authority.remote_limits()
        if not (limits.hash if use is RemoteUse.HASH else limits.document):
            raise PreconditionRefused("Digests of this kind are not signed for other software here.")
        notes = {"serial": effects.remote_serial(self._authority, subject, use)}
        return self._save(Kind.ADD_REMOTE_KEY, subject, {"use": use.value}, notes, by=by)

    def draft_leaving(self, subject: str, *, by: str) -> OfficerDecision:
        """The decision that ends everything with which *subject* signs, for good, with the account."""
        if subject == by:
            raise StateRefused("Nobody ends their own registration; another officer does.")
        return self._save(Kind.RETIRE, subject, {"reason": _LEFT}, by=by)


def _kind_of(request: EnrolmentRequest, *, known: bool) -> Kind:
    subject = request.subject
    if known:
        if len(request.credentials) != 1:
            raise StateRefused(
                "{subject} was enrolled in the meantime; one credential is added at a time. Refuse this request.",
                subject=subject,
            )
        return Kind.ADD_CREDENTIAL
    kinds = {"person": Kind.ENROL_PERSON, "officer": Kind.ENROL_OFFICER}
    kind = kinds.get(subject.partition("-")[0])
    if kind is None:
        raise StateRefused("{subject} signs nothing and needs no credentials.", subject=subject)
    return kind


LONGEST_UNIT: Final = 40
"""Characters of the name of a department or branch."""


def _checked_unit(draft: SealDraft) -> str:
    """Whose seal it is; empty for the kinds that are nobody's. Raises :class:`PreconditionRefused`."""
    if not draft.kind.has_unit:
        return ""
    unit = visible(draft.unit)
    if not 1 <= len(unit) <= LONGEST_UNIT or unit == "分公司":
        raise PreconditionRefused(
            "Give the unit whose seal it is, such as 采购部 or 上海分公司, in at most {most} characters.",
            most=LONGEST_UNIT,
        )
    return unit


def _require_custodians(tx: Transaction, organisation: str, custodians: tuple[str, ...], *, outside: bool) -> None:
    if not custodians:
        raise PreconditionRefused("A seal has at least one custodian.")
    if not all(members.can_keep_seals(tx, each, organisation, outside=outside) for each in custodians):
        raise PreconditionRefused(_FITTING[outside], organisation=organisation)


_FITTING = {
    False: "Custodians are enrolled people of {organisation} who have the custodian's role.",
    True: "Custodians of this seal are enrolled outside signers of {organisation}, and nobody else.",
}
"""Who keeps a seal, by whether it is another company's."""


REASON_MISSING = "Say why; the reason goes on record."


class SealDecisionDrafts(_Drafts):
    """Makes open decisions about seals. Nothing is done yet: each waits for officers' activations. Thread-safe."""

    def draft_resumption(self, seal: str, *, reason: str, by: str) -> OfficerDecision:
        """The decision that resumes a suspended seal. Raises :class:`StateRefused` when it is in use."""
        known = self._existing(seal)
        if known.suspended is None:
            raise StateRefused("Another officer has changed this seal in the meantime.")
        if len(known.custodians) < known.needed:
            raise PreconditionRefused(
                "Custodians that the seal takes: {needed}; add them first.", needed=known.needed
            )
        return self._save(Kind.RESUME_SEAL, seal, notes={"reason": checked_reason(reason, REASON_MISSING)}, by=by)

    def draft_custodian(self, seal: str, person: str, *, by: str) -> OfficerDecision:
        """The decision by which one more person keeps the seal."""
        known = self._existing(seal)
        fitting = self._database.query(members.can_keep_seals, person, known.organisation, outside=known.outside)
        if not fitting:
            raise PreconditionRefused(_FITTING[known.outside], organisation=known.organisation)
        if person in known.custodians:
            raise StateRefused("This person keeps the seal already.")
        return self._save(Kind.ADD_CUSTODIAN, seal, {"custodian": person}, by=by)

    def draft_dismissal(self, seal: str, person: str, *, by: str) -> OfficerDecision:
        """The decision by which a custodian keeps the seal no more, at once, by one officer's activation."""
        known = self._existing(seal)
        if person not in known.custodians:
            raise StateRefused("This person does not keep the seal any more.")
        if known.suspended is None and len(known.custodians) <= known.needed:
            raise PreconditionRefused(
                "Custodians that a seal in use keeps at least: {needed}; add another one"
                " first, or suspend the seal.",
                needed=known.needed,
            )
        return self._save(Kind.REMOVE_CUSTODIAN, seal, {"custodian": person}, by=by)

    def draft_custodian_number(self, seal: str, needed: int, *, by: str) -> OfficerDecision:
        """The decision by which one custodian or two release the seal."""
        known = self._existing(seal)
        if needed not in (1, 2) or needed == known.needed:
            raise PreconditionRefused("Choose another number of custodians than the one that holds: one or two.")
        if known.suspended is None and len(known.custodians) < needed:
            raise PreconditionRefused("Custodians that the seal takes: {needed}; add them first.", needed=needed)
        return self._save(Kind.SET_CUSTODIANS_NEEDED, seal, {"needed": needed}, by=by)

    def draft_picture(self, seal: str, made: SealPicture | None, *, by: str) -> OfficerDecision:
        """The decision that takes the picture *made* here into use; None: the drawn one again.

        The decision's page shows it as it will be painted, so nobody activates what they have not seen.
        """
        known = self._existing(seal)
        digest = "" if made is None else hashlib.sha256(made.png).hexdigest()
        if digest == (known.picture or ""):
            raise StateRefused("The seal looks like this already.")
        notes: dict[str, Any] = {}
        if made is not None:
            notes = {"dpi": made.dpi, "advice": [each.value for each in made.advice]}
            self._database.commit(store.offer_seal_picture, seal, digest, made.png, at=self._now(), by=by)
        return self._save(Kind.CHANGE_PICTURE, seal, {"picture": digest}, notes, by=by)

    def draft_destruction(self, seal: str, *, reason: str, by: str) -> OfficerDecision:
        """The decision that ends the seal for good."""
        self._existing(seal)
        return self._save(Kind.DESTROY_SEAL, seal, notes={"reason": checked_reason(reason, REASON_MISSING)}, by=by)

    def _existing(self, subject: str) -> Seal:
        known = self._database.query(people.seal, subject)
        if known.destroyed is not None:
            raise StateRefused("The seal is destroyed; nothing changes it any more.")
        return known


class PowerDecisionDrafts(_Drafts):
    """Makes open decisions about powers of attorney. Thread-safe."""

    def draft_confirmation(self, power_id: str, *, by: str) -> OfficerDecision:
        """The decision by which officers confirm a power: the officer *by* has compared letter and entry.

        Raises :class:`StateRefused` when it has been decided on, :class:`PreconditionRefused` for who
        registered it, for the agent, and where the agent, or who registered it, is not enrolled.
        """
        with self._database.reading() as tx:
            power = of_another(tx, power_id, by)
            details = arguments(power)
            require_waiting(tx, power_id, details)
            name = people.person(tx, power.agent).name
        if effects.certificate_of(self._authority, power.agent) is None:
            raise PreconditionRefused(
                "{name} is not enrolled yet; enrol them first, then confirm the power of attorney.", name=name
            )
        if not self._is_enrolled(power.registered.by):
            raise PreconditionRefused(
                "{name}, who registered this power of attorney, is not enrolled; enrol them first, or have it"
                " registered by somebody who is.",
                name=self._database.query(people.person, power.registered.by).name,
            )
        return self._save(Kind.CONFIRM_POWER, power_id, details, by=by)

    def _is_enrolled(self, subject: str) -> bool:
        """Whether the authority knows somebody: as one who signs, or as an officer, who has no certificate."""
        return bool(self._authority.credentials(subject)) or (
            effects.certificate_of(self._authority, subject) is not None
        )


class AnchorDecisionDrafts(_Drafts):
    """Makes open decisions about certification authorities of outside signers. Thread-safe."""

    def draft_approval(self, anchor_id: str, *, by: str) -> OfficerDecision:
        """The decision by which officers approve an anchor. Raises :class:`StateRefused` for one that was approved
        or ended."""
        anchor = self._database.query(anchors.load_anchor, anchor_id)
        if anchor.approved is not None or anchor.ended is not None:
            raise StateRefused("This certificate was approved or ended in the meantime.")
        details = {"organisation": anchor.organisation, "certificate": anchor.digest}
        return self._save(Kind.APPROVE_ANCHOR, anchor_id, details, by=by)


SERVICES: Final = ("tsa", "evidence")
"""Whose keys are exchanged while everything runs; the log's key is its identity, CAs take a ceremony."""

REASONS: Final = ("superseded", "key_compromise", "cessation_of_operation")


class ServiceDecisionDrafts(_Drafts):
    """Makes open decisions; nothing is done before officers have activated them. Thread-safe."""

    def draft_rotation(self, service: str, *, by: str) -> OfficerDecision:
        """The decision that gives *service* a new key; the certificate before it stays valid until it ends.

        Raises :class:`PreconditionRefused` for what is no such service.
        """
        return self._save(Kind.ROTATE, service, notes={"serial": self._serial(service)}, by=by)

    def draft_revocation(self, service: str, serial: str, *, reason: str, by: str) -> OfficerDecision:
        """The decision that revokes one certificate of *service*, which is not the one in use.

        Raises :class:`PreconditionRefused` for a reason or a number that cannot be, :class:`StateRefused` for the
        certificate in use, without which the service would stand still: rotate first.
        """
        number = serial.lower().removeprefix("0x").lstrip("0")
        if reason not in REASONS:
            raise PreconditionRefused("The reason is one of {reasons}.", reasons=", ".join(REASONS))
        if not number or set(number) - set("0123456789abcdef"):
            raise PreconditionRefused("A serial number has hexadecimal digits only.")
        if number == self._serial(service):
            raise StateRefused("This is the certificate in use; give {service} a new key first.", service=service)
        if effects.is_on_a_list(self._authority, int(number, 16)):
            raise StateRefused("The certificate {serial} is revoked already.", serial=number)
        details = {"serial": number, "reason": reason}
        return self._save(Kind.REVOKE_CERTIFICATE, service, details, {"serial": number}, by=by)

    def draft_pin_custodian(self, custodian: NewPinCustodian, *, organisation: str, by: str) -> OfficerDecision:
        """The decision that makes an administrator a PIN custodian, who activates by these passkeys alone; also
        somebody who was one, and has other passkeys now.

        Raises :class:`StateRefused` for somebody who is one already by exactly these.
        """
        known = {each.credential_id for each in self._authority.credentials(custodian.subject)}
        if known == {identifier for identifier, _ in custodian.passkeys}:
            raise StateRefused(
                "{name} is a keeper of the PIN already, by these very passkeys.", name=custodian.name
            )
        details = {
            "name": custodian.name,
            "organisation": organisation,
            "credentials": [
                {
                    "kind": "webauthn",
                    "credential_id": credential_id.hex(),
                    "public_key": public_key.hex(),
                    "rp_id": custodian.rp_id,
                }
                for credential_id, public_key in custodian.passkeys
            ],
        }
        return self._save(Kind.ENROL_PIN_CUSTODIAN, custodian.subject, details, {"again": bool(known)}, by=by)

    def _serial(self, service: str) -> str:
        if service not in SERVICES:
            raise PreconditionRefused("The services are {services}.", services=", ".join(SERVICES))
        return effects.serial_of(self._authority, service)
