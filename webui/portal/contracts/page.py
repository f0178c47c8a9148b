"""One contract's page: its status, whose turn it is, its documents and its history; and a new draft in place of a
contract that has ended (``/contracts/ID/correct``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Any

from flask import Blueprint

from appliance.contracts.authorisation_basis import StoredBasis
from appliance.contracts.permissions import Permission
from appliance.language.sizes import ByteSize
from appliance.ledger.event_texts import LABELS, fact_label
from appliance.ledger.timeline import Timeline, TimelineEvent
from appliance.model.contract import UNSENT, Contract, ContractState, PartyKind
from appliance.model.document_codes import page_address, show_code
from appliance.model.people import SealRequest, SealRequestState
from appliance.signing_methods import METHOD_TITLES
from webui.portal.access import ContractView, view_contract, visitor
from webui.portal.contracts.status_line import remaining, state_line
from webui.portal.pages import appliance, house_names, name_of, once, party_names
from webui.portal.powers import is_readable
from webui.portal.to_sign import (
    guests_to_vouch_for,
    guests_without_code,
    guests_without_link,
    representatives_without_mail,
)
from webui.shared.form_pages import Answer, render
from webui.shared.forms import posted_number

pages = Blueprint("contracts", __name__, url_prefix="/contracts")

SHOWN_PAGES = 8
"""Small pictures on the page; the document itself has all pages."""

_FIELDS = (
    "signer expires pages digest base signed grounds agreement identity power zone version document check rules"
    " together_place together_root certificate anchor dated_digest"
)
TECHNICAL = {LABELS[name] for name in _FIELDS.split()} | {fact_label("signature-prepared", "digest")}
"""Labels of what few readers want to see: folded away with the proof."""

LOOK_AGAIN = "3"
"""Seconds between two looks of the page itself at a contract that is being sealed for the archive."""


def _code_of(contract: Contract) -> dict[str, Any]:
    """The document code and the address of its page; nothing for a contract that was never sent."""
    code = appliance.document_codes.code_of(contract.id)
    if code is None:
        return {}
    return {"code": show_code(code), "code_address": page_address(appliance.settings.web.public_url, code)}


@pages.get("/<contract_id>")
def page(contract_id: str) -> Answer:
    seen = view_contract(contract_id)
    contract = seen.contract
    events = Timeline(appliance.database).of(contract_id, seen.audience)
    grounds = appliance.contracts.authorisation_bases(contract_id)
    dates = appliance.reminders.dates
    response = render(
        "contracts/page.html",
        contract=contract,
        **_standing(seen),
        **_outside_people(seen),
        **_related(seen),
        acts={act.value for act in Permission if seen.may(act)},
        own=seen.own_party(),
        earlier=appliance.earlier.signatures_of(contract.original.digest),
        turn=contract.on_turn,
        grounds=grounds,
        open_powers=set(_open_powers(grounds.values())),
        initiates=seen.initiates,
        drafting=seen.drafting,
        shown_pages=min(contract.pages, SHOWN_PAGES),
        annexes=appliance.annexes.of(contract_id),
        size_of=ByteSize,
        sizes=(ByteSize(contract.original.size), ByteSize(contract.current.size)),
        events=events,
        review=appliance.reviewing.review_status(contract) if seen.drafting else None,
        ended_because=_ended_because(events),
        technical=TECHNICAL,
        **_code_of(contract),
        names=house_names(seen.someone.organisation) if seen.drafting else name_of,
        called=party_names(seen.someone.organisation) if seen.drafting else attrgetter("name"),
        method_titles=METHOD_TITLES,
        closed=tuple(appliance.reminders.closed_accounts.closed_in(contract).values()) if seen.initiates else (),
        dates=dates.list_dates(contract_id) if seen.drafting else (),
        keeps_dates=dates.may_change(contract, seen.who.subject),
        stands_in=seen.initiates and bool(appliance.handing_over.left_in_contract(contract)),
        audits=seen.initiates or seen.who.auditor,
        sees_mail=contract.state not in UNSENT and (seen.initiates or seen.who.auditor),
    )
    if contract.state is ContractState.SIGNED:
        response.headers["Refresh"] = LOOK_AGAIN
    return response


@pages.post("/<contract_id>/correct")
def correct(contract_id: str) -> Answer:
    seen = view_contract(contract_id)
    seen.require(Permission.CORRECT)
    by, version = seen.who.subject, posted_number("seen", 12)

    def make() -> str:
        """To the draft's first step; to what became of it when somebody has sent it already."""
        draft = appliance.drafting.draft_again(contract_id, by=by, seen=version)
        return f"/contracts/{draft.id}{'/draft/document' if draft.state is ContractState.DRAFT else ''}"

    return once(by, make)


def _standing(seen: ContractView) -> dict[str, Any]:
    """What the head of the page says: the status in a line, the time that is left, and the visitor's open request
    for a seal with the custodians who have still to decide."""
    contract, asked = seen.contract, _seal_request(seen)
    return {
        "line": state_line(contract, seen.who.subject, seen.now, asked=asked is not None),
        "left": remaining(contract.deadline.at, seen.now) if contract.state is ContractState.SENT else "",
        "asked": asked,
        "deciding": _deciding(asked),
    }


def _outside_people(seen: ContractView) -> dict[str, Any]:
    """Who from outside waits for the initiator, for what, and the address that representatives are given."""
    return {
        "without_code": guests_without_code(seen),
        "to_vouch_for": guests_to_vouch_for(seen),
        "without_link": guests_without_link(seen),
        "to_pass_on": representatives_without_mail(seen),
        "sign_address": appliance.addresses.page_url(f"/contracts/{seen.contract.id}/sign"),
        "mail_works": appliance.mail.works(),
    }


def _related(seen: ContractView) -> dict[str, Any]:
    """The contracts that this one replaces or changes, and those that do so to it, as far as the visitor reads
    them."""
    links = appliance.drafting.links(seen.contract, seen.who)
    amendments = appliance.amending.links(seen.contract, seen.who)
    return {
        "replaces": links.replaces,
        "replaced_by": links.replaced_by,
        "changes": amendments.changes,
        "changed_by": amendments.changed_by,
        "standing": amendments.standing,
    }


def _seal_request(seen: ContractView) -> SealRequest | None:
    """The visitor's open request for the seal that they would ask for here."""
    own = seen.own_party()
    if own is None or own.kind is not PartyKind.SEAL or seen.contract.state is not ContractState.SENT:
        return None
    asked = appliance.seal_requests.of_party(own.id)
    return asked if asked is not None and asked.open and asked.requester == seen.who.subject else None


def _deciding(asked: SealRequest | None) -> list[str]:
    """The names of the custodians who have not approved the request yet."""
    if asked is None or asked.state is not SealRequestState.WAITING:
        return []
    return [name_of(each) for each in asked.still_asked(appliance.registry.seal(asked.seal))]


def _open_powers(grounds: Iterable[StoredBasis]) -> Iterator[str]:
    """The powers of attorney whose page the visitor may open."""
    someone = visitor()
    for power in (appliance.powers.get(each.power) for each in grounds if each.power is not None):
        if is_readable(power, someone):
            yield power.id


def _ended_because(events: tuple[TimelineEvent, ...]) -> str:
    """The reason that was given for a recall, from the history."""
    for event in events:
        if event.kind == "contract-recalled":
            return next((str(fact.value) for fact in event.facts if fact.label == "Reason" and fact.value), "")
    return ""
