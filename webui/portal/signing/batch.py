"""``/batches``: several documents under one confirmation: contracts that wait for the visitor's signature, seals
that they ask for, and requests for the seals that they keep.

Each is prepared, and finished afterwards (:mod:`webui.portal.signing.batch_results`), as if it came alone; what
cannot be among them is named with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask import request, url_for
from werkzeug.exceptions import BadRequest

from appliance.contracts.permissions import Permission, refusal_for
from appliance.contracts.signing import OpenedSigning
from appliance.errors import ApplianceError, NotFound, PreconditionRefused, StateRefused
from appliance.model.contract import Party, PartyKind, PartyState
from appliance.seal_requests.status import LONGEST_REQUEST_REASON, require_request_reason
from webui.portal import activations, home
from webui.portal.access import ContractView, PortalVisitor, request_origin, require_signer, view_contract
from webui.portal.pages import appliance
from webui.portal.signing.seals import seal_person, seal_requests, visible_request
from webui.portal.signing.sheet import pages
from webui.shared.form_pages import Answer, form, render, see_other, unprocessable
from webui.shared.forms import sentence

_NUMBER = re.compile(r"[0-9a-f]{24}")
"""Of a contract, and of a request for a seal."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that was selected: a contract (``name`` is contract), or a request for a seal (request), by its
    ``number``; ``opened``, ready to be confirmed, or why it is not. ``back``: where its own page leads."""

    name: str
    number: str
    title: str
    opened: OpenedSigning | None = None
    back: str = ""
    reason: str = ""

    @property
    def asks(self) -> bool:
        """Whether the visitor asks for a seal by it, which takes a reason."""
        return self.name == "contract" and self.opened is not None and self.opened.party.kind is PartyKind.SEAL


@pages.post("/batches")
@form(home.home, require_signer, refusals=(PreconditionRefused,), status=unprocessable)
def choose(subject: str) -> Answer:
    """Prepares what was selected and leads to its confirmation; or says which of it cannot be among it, and offers
    the rest."""
    return _prepared(subject, url_for("home.home", bucket="to-sign"))


@pages.post("/batches/seals")
@form(seal_requests, seal_person, refusals=(PreconditionRefused,), status=unprocessable)
def choose_requests(someone: PortalVisitor) -> Answer:
    """The same for requests for the seals that the visitor keeps."""
    return _prepared(someone.subject, url_for("signing.seal_requests"))


def _prepared(subject: str, cancel: str) -> Answer:
    chosen = [(name, each) for name in ("contract", "request") for each in request.form.getlist(name)]
    chosen = list(dict.fromkeys(chosen))
    if not all(_NUMBER.fullmatch(each) for _, each in chosen):
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
    candidates = _candidates(chosen)
    ready = [each for each in candidates if each.opened is not None]
    reason = _reason() if any(each.asks for each in ready) else ""
    if len(ready) < len(candidates) or reason is None:
        return render(
            "signing/batch_check.html",
            status=None if ready else 409,
            candidates=candidates,
            ready=ready,
            asks=any(each.asks for each in ready),
            longest=LONGEST_REQUEST_REASON,
            action=request.path,
            cancel=cancel,
        )
    return _to_confirmation(subject, [_proposed(each, subject, reason) for each in ready])


def _reason() -> str | None:
    """What seals are asked for, as it was typed; None while the visitor has not been asked. Raises
    :class:`PreconditionRefused`."""
    return require_request_reason(request.form["reason"]) if "reason" in request.form else None


def _proposed(candidate: Candidate, subject: str, reason: str) -> Candidate:
    if not candidate.asks or candidate.opened is None:
        return candidate
    intent = appliance.seal_requests.propose(candidate.opened.intent.id, by=subject, reason=reason)
    return replace(candidate, opened=replace(candidate.opened, intent=intent))


def _require_some(chosen: Sequence[object], limit: int) -> None:
    if not limit:
        raise PreconditionRefused("Contracts are signed one by one here; open the contract.")
    if not chosen:
        raise PreconditionRefused("Select the contracts that you want to sign.")
    if len(chosen) > limit:
        raise PreconditionRefused("At most {limit} contracts can be signed at once; select fewer.", limit=limit)


def _candidates(chosen: Sequence[tuple[str, str]]) -> list[Candidate]:
    """What was selected, in order. Of one contract there is only one document at a time: once it is signed, the
    next signature is over another one."""
    found: list[Candidate] = []
    contracts: set[str] = set()
    for name, number in chosen:
        candidate = _of_contract(number) if name == "contract" else _of_request(number)
        if candidate.opened is not None and candidate.opened.contract.id in contracts:
            said = sentence(
                StateRefused("Another signature on this contract is among them; confirm this one after.")
            )
            candidate = replace(candidate, opened=None, reason=said)
        if candidate.opened is not None:
            contracts.add(candidate.opened.contract.id)
        found.append(candidate)
    return found


def _of_contract(number: str) -> Candidate:
    try:
        seen = view_contract(number)
    except NotFound as refusal:
        return Candidate("contract", number, number, reason=sentence(refusal))
    found = Candidate("contract", number, seen.contract.title)
    try:
        opened = _opened(seen)
    except ApplianceError as refusal:
        return replace(found, reason=sentence(refusal))
    back = url_for("signing.activated", contract_id=number, intent_id=opened.intent.id)
    return replace(found, opened=opened, back=back)


def _of_request(number: str) -> Candidate:
    try:
        seen = visible_request(number)
    except NotFound as refusal:
        return Candidate("request", number, number, reason=sentence(refusal))
    found = Candidate("request", number, seen.contract.title)
    try:
        if not seen.answers:
            raise PreconditionRefused("You have asked for this seal yourself; another custodian answers.")
        if not seen.waits:
            raise StateRefused("This request has been answered already; look at what became of it.")
        appliance.seal_requests.require_usable(seen.request)
    except ApplianceError as refusal:
        return replace(found, reason=sentence(refusal))
    opened = appliance.signing.opened(seen.contract, seen.request.intent)
    return replace(found, opened=opened, back=url_for("signing.seal_activated", request_id=number))


def _opened(seen: ContractView) -> OpenedSigning:
    """The contract ready to be signed, as its own page would open it. Raises :class:`ApplianceError`."""
    contract = seen.contract
    party = _own_party(seen)
    refusal = refusal_for(contract, Permission.SIGN, seen.who, seen.now, party)
    if refusal is not None:
        raise (seen.acts[Permission.SIGN] or refusal).error()  # the first says “you”
    if party is None or not appliance.agreements.is_accepted_for(contract, party.id):
        raise PreconditionRefused(
            "Accept the agreement on electronic signing with the other parties first; open the contract for it."
        )
    if party.kind is PartyKind.SEAL:
        asked = appliance.seal_requests.of_party(party.id)
        if asked is not None and asked.open:
            raise StateRefused("You have asked for the seal already; its custodians answer.")
    opened = appliance.signing.open(contract.id, party.id, request_origin())
    appliance.signing.record_location(opened.intent.id, request_origin())
    return opened


def _own_party(seen: ContractView) -> Party | None:
    """The party for which the visitor signs, or asks for a seal: one that is on turn first, in person before a
    seal, as a signature in person makes the document another one."""
    own = [each for each in seen.contract.parties if each.responsible == seen.who.subject]
    turn = seen.contract.on_turn
    ranked = sorted(
        own,
        key=lambda one: (one.state is PartyState.SIGNED, one not in turn, one.kind is not PartyKind.PERSON),
    )
    return ranked[0] if ranked else None


def _to_confirmation(subject: str, ready: Sequence[Candidate]) -> Answer:
    """To the activation service with what is not confirmed yet: earlier confirmations count as well."""
    members = [(each.opened, each.back) for each in ready if each.opened is not None]
    batch = appliance.batches.put_together([opened.intent.id for opened, _ in members], by=subject)
    back = url_for("signing.batch_page", batch=batch)
    asked = [each for each in members if not activations.is_activated(subject, each[0].intent.intent)]
    if not asked:
        return see_other("signing.batch_page", batch=batch)
    if len(asked) == 1:
        return activations.to_signing(subject, asked[0][0], back)
    return activations.to_batch(subject, asked, back)
