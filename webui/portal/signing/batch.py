"""``/batches``: several contracts that wait for the visitor's signature are signed by one confirmation.

Each is prepared, and signed afterwards, as if it came alone; what cannot be among them is named with its reason.
The page of a batch signs what was confirmed, one contract after the other, and goes on where it stopped when it
is opened again: an intent is signed once, so nothing is signed twice.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from flask import request, url_for
from werkzeug.exceptions import BadRequest

from appliance.contracts.permissions import Permission, refusal_for
from appliance.contracts.signing import OpenedSigning
from appliance.errors import ApplianceError, NotFound, PreconditionRefused
from appliance.model.contract import Party, PartyKind, PartyState
from appliance.model.intent import IntentState
from hsm.errors import RefusalError
from webui.portal import activations, home
from webui.portal.access import ContractView, request_origin, require_person, view_contract
from webui.portal.pages import appliance
from webui.portal.signing.page import UNDER_WAY, refusal_sentence, why_ended
from webui.portal.signing.sheet import pages
from webui.shared.form_pages import Answer, form, render, see_other, status_in_workflow, unprocessable
from webui.shared.forms import sentence
from webui.shared.language import translate

_CONTRACT = re.compile(r"[0-9a-f]{24}")
_BATCH = re.compile(r"[0-9a-f]{32}")
PATIENCE = 4.0
"""Seconds for which one request goes on signing; the page then asks again by itself."""

_LOOK_AGAIN = "1"
"""Seconds until it does."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A contract that was selected: ``opened``, ready to be confirmed, or why it is not."""

    contract_id: str
    title: str
    opened: OpenedSigning | None = None
    reason: str = ""


class Outcome(StrEnum):
    """What became of one contract of a batch."""

    SIGNED = "signed"
    FINISHING = "finishing"
    """Its signature is made, and is being dated or verified."""
    NEXT = "next"
    """It was confirmed, and is signed as soon as those before it are."""
    UNCONFIRMED = "unconfirmed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class MemberResult:
    """A contract of a batch, what became of it, and why it is not signed where something stands in the way."""

    opened: OpenedSigning
    outcome: Outcome
    reason: str = ""


@pages.post("/batches")
@form(home.home, require_person, refusals=(PreconditionRefused,), status=unprocessable)
def choose(subject: str) -> Answer:
    """Prepares the selected contracts and leads to their confirmation; or says which of them cannot be among them,
    and offers the others."""
    chosen = list(dict.fromkeys(request.form.getlist("contract")))
    if not all(map(_CONTRACT.fullmatch, chosen)):
        raise BadRequest
    _require_some(chosen, appliance.authority.batch_limit())
    means = activations.means_of(subject)
    if not means.any:
        return render("signing/no_means.html")
    if not means.passkeys:
        raise PreconditionRefused(
            "Several contracts are confirmed at once with a passkey only. Set one up in your settings, or open the"
            " contracts one by one."
        )
    candidates = [_candidate(each) for each in chosen]
    ready = [each.opened for each in candidates if each.opened is not None]
    if len(ready) < len(candidates):
        return render(
            "signing/batch_check.html", status=None if ready else 409, candidates=candidates, ready=ready
        )
    return _to_confirmation(subject, ready)


def _require_some(chosen: Sequence[str], limit: int) -> None:
    if not limit:
        raise PreconditionRefused("Contracts are signed one by one here; open the contract.")
    if not chosen:
        raise PreconditionRefused("Select the contracts that you want to sign.")
    if len(chosen) > limit:
        raise PreconditionRefused("At most {limit} contracts can be signed at once; select fewer.", limit=limit)


def _candidate(contract_id: str) -> Candidate:
    try:
        seen = view_contract(contract_id)
    except NotFound as refusal:
        return Candidate(contract_id, contract_id, reason=sentence(refusal))
    try:
        return Candidate(contract_id, seen.contract.title, _opened(seen))
    except ApplianceError as refusal:
        return Candidate(contract_id, seen.contract.title, reason=sentence(refusal))


def _opened(seen: ContractView) -> OpenedSigning:
    """The contract ready to be signed, as its own page would open it. Raises :class:`ApplianceError`."""
    contract = seen.contract
    party = _own_person(seen)
    if party is None and seen.own_party() is not None:
        raise PreconditionRefused("A seal is asked for on the page of its contract, one document at a time.")
    refusal = refusal_for(contract, Permission.SIGN, seen.who, seen.now, party)
    if refusal is not None:
        raise (seen.acts[Permission.SIGN] or refusal).error()  # the first says “you”
    if party is None or not appliance.agreements.is_accepted_for(contract, party.id):
        raise PreconditionRefused(
            "Accept the agreement on electronic signing with the other parties first; open the contract for it."
        )
    opened = appliance.signing.open(contract.id, party.id, request_origin())
    appliance.signing.record_location(opened.intent.id, request_origin())
    return opened


def _own_person(seen: ContractView) -> Party | None:
    """The party for which the visitor signs in person; one that is on turn first."""
    turn = seen.contract.on_turn
    own = [
        each
        for each in seen.contract.parties
        if each.kind is PartyKind.PERSON and each.responsible == seen.who.subject
    ]
    return next((each for each in own if each in turn), own[0] if own else None)


def _to_confirmation(subject: str, ready: Sequence[OpenedSigning]) -> Answer:
    """To the activation service with what is not confirmed yet: earlier confirmations count as well."""
    batch = appliance.batches.put_together(ready)
    back = url_for("signing.batch_page", batch=batch)
    asked = [each for each in ready if not activations.is_activated(subject, each.intent.intent)]
    if not asked:
        return see_other("signing.batch_page", batch=batch)
    if len(asked) == 1:
        return activations.to_signing(subject, asked[0], back)
    return activations.to_batch(subject, asked, back)


@pages.get("/batches/<batch>")
def batch_page(batch: str) -> Answer:
    """Back from the activation service: signs what was confirmed, and says what became of each contract."""
    subject = require_person()
    records = appliance.batches.members(batch, subject) if _BATCH.fullmatch(batch) else []
    if not records:
        raise NotFound("These contracts are not being signed together any more; select them again.")
    until = time.monotonic() + PATIENCE
    members = [appliance.signing.opened(view_contract(each.intent.contract).contract, each.id) for each in records]
    results = [_result(each, subject, until) for each in members]
    left = [each.opened.contract for each in results if each.outcome in (Outcome.UNCONFIRMED, Outcome.REFUSED)]
    busy = any(each.outcome in (Outcome.NEXT, Outcome.FINISHING) for each in results)
    response = render(
        "signing/batch.html",
        status=202 if busy else 200,
        results=results,
        signed=sum(each.outcome is Outcome.SIGNED for each in results),
        busy=busy,
        left=left,
        again=[each for each in left if not why_ended(each, appliance.now())],
    )
    if busy:
        response.headers["Refresh"] = _LOOK_AGAIN
    return response


def _result(opened: OpenedSigning, subject: str, until: float) -> MemberResult:
    """What became of it; signs it before that when it was confirmed, and there is time."""
    if opened.party.state is PartyState.SIGNED:
        return MemberResult(opened, Outcome.SIGNED)
    if opened.intent.state in UNDER_WAY:
        return MemberResult(opened, Outcome.FINISHING)
    reason = why_ended(opened.contract, appliance.now())
    if not reason and opened.intent.state is IntentState.ABANDONED:
        reason = translate()("The document has changed or the time is over; prepare it again.")
    if reason:
        return MemberResult(opened, Outcome.REFUSED, reason)
    try:
        return MemberResult(opened, _sign(opened, subject, until))
    except RefusalError as refusal:
        return MemberResult(opened, Outcome.REFUSED, refusal_sentence(refusal, status_in_workflow(refusal)))


def _sign(opened: OpenedSigning, subject: str, until: float) -> Outcome:
    """Signs what is prepared and confirmed. Raises :class:`RefusalError`."""
    if not activations.is_activated(subject, opened.intent.intent):
        return Outcome.UNCONFIRMED
    if time.monotonic() > until:
        return Outcome.NEXT
    appliance.signing.finish(opened.intent.id)
    return Outcome.SIGNED
