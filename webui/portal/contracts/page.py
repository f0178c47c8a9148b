"""One contract's page: its status, whose turn it is, its documents and its history; and a new draft in place of a
contract that has ended (``/contracts/ID/correct``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from flask import Blueprint, Response, make_response, render_template, request
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as BaseResponse

from appliance.contracts.authorisation_basis import StoredBasis
from appliance.contracts.permissions import Permission, refusal_for
from appliance.errors import NotFound
from appliance.language.sizes import ByteSize
from appliance.ledger.timeline import Timeline, TimelineEvent
from appliance.model.contract import UNSENT, Contract, ContractState, Party, PartyKind, PartyState
from webui.portal.access import ContractView, view_contract, visitor
from webui.portal.contracts import status_line
from webui.portal.contracts.status_line import remaining, state_line
from webui.portal.parts import PortalParts
from webui.portal.powers.readers import is_readable
from webui.shared.forms import SingleSubmission
from webui.shared.language import translate


@dataclass(frozen=True, slots=True)
class LinkedContracts:
    """What the contract replaces and what replaces it, as far as the visitor may read them."""

    replaces: Contract | None
    replaced_by: Contract | None


def add_resending_page(pages: Blueprint, parts: PortalParts) -> None:
    """The form of the button on the page of a contract that has ended."""
    once = SingleSubmission(parts.appliance.submissions)

    @pages.post("/<contract_id>/correct")
    def correct(contract_id: str) -> BaseResponse:
        seen = view_contract(parts, contract_id)
        seen.require(Permission.CORRECT)
        version = request.form.get("seen", "")
        if not (version.isascii() and version.isdecimal() and len(version) <= 12):
            raise BadRequest
        by = seen.who.subject

        def made() -> str:
            """To the draft's first step; to what became of it when somebody has sent it already."""
            draft = parts.appliance.resending.draft_again(contract_id, by=by, seen=int(version))
            step = "/draft/document" if draft.state is ContractState.DRAFT else ""
            return f"/contracts/{draft.id}{step}"

        return once.redirected(by, made)


def linked_contracts(parts: PortalParts, seen: ContractView) -> LinkedContracts:
    """The links of a contract's page."""
    links = parts.appliance.resending.links(seen.contract)
    readable = (
        each if each is not None and refusal_for(each, Permission.READ, seen.who, seen.now) is None else None
        for each in (links.replaces, links.replaced_by)
    )
    return LinkedContracts(*readable)


SHOWN_PAGES = 8
"""Small pictures on the page; the document itself has all pages."""

TONES = {
    "contract-sent": "accent",
    "party-signed": "good",
    "contract-completed": "good",
    "party-declined": "bad",
    "contract-expired": "bad",
    "contract-voided": "bad",
}

TECHNICAL = frozenset(
    {
        "Signing key",
        "Can be signed until",
        "Pages",
        "Document, SHA-256",
        "As shown, SHA-256",
        "To be signed, SHA-256",
        "Signed bytes, SHA-256",
        "Grounds of the signature, SHA-256",
        "Agreement on electronic signing, log entry",
        "Identity check",
        "Power of attorney",
        "Deadline set in the time zone",
        "Version",
        "Checked document, SHA-256",
        "Result of the content check, SHA-256",
        "Rules of the content check, SHA-256",
    }
)
"""Labels of what few readers want to see: folded away with the proof."""

LOOK_AGAIN = "3"
"""Seconds between two looks of the page itself at a contract that is being sealed for the archive."""


def add_contract_page(pages: Blueprint, parts: PortalParts) -> None:
    """``/contracts/ID``."""
    timeline = Timeline(parts.appliance.database)

    @pages.get("/<contract_id>")
    def page(contract_id: str) -> Response:
        seen = view_contract(parts, contract_id)
        contract = seen.contract
        events = timeline.of(contract_id, seen.audience)
        waits = contract.state is ContractState.SENT
        initiates = seen.who.subject == contract.initiator
        shown = render_template(
            "contracts/page.html",
            contract=contract,
            line=state_line(contract, seen.who.subject, seen.now),
            left=remaining(contract.deadline.at, seen.now) if waits else "",
            acts={act.value for act in Permission if seen.may(act)},
            notice=_notice(),
            advice=_advice(seen, told=parts.appliance.mail.configured or not visitor().guest_of),
            earlier=status_line.earlier_signature_lines(parts, contract),
            further=list(_further(seen)),
            neighbours=linked_contracts(parts, seen),
            turn=contract.on_turn,
            grounds=(grounds := parts.appliance.contracts.authorisation_bases(contract_id)),
            open_powers=set(_open_powers(parts, grounds.values())),
            untold=_untold(parts, seen),
            mail_works=parts.appliance.mail.works(),
            initiates=initiates,
            asks=_asks(seen),
            signed=sum(party.state is PartyState.SIGNED for party in contract.parties),
            shown_pages=min(contract.pages, SHOWN_PAGES),
            sizes=(ByteSize(contract.original.size), ByteSize(contract.current.size)),
            events=events,
            review=parts.appliance.reviewing.review_status(contract) if seen.drafting else None,
            ended_because=_ended_because(events),
            tones=TONES,
            technical=TECHNICAL,
            names=name_lookup(parts),
            absent=parts.appliance.reminders.absences.names_of_absent(contract) if initiates else (),
            dates=parts.appliance.reminders.dates.list_dates(contract_id) if seen.drafting else (),
            keeps_dates=parts.appliance.reminders.dates.may_change(contract, seen.who.subject),
            stands_in=initiates and bool(parts.appliance.departures.of_contract(contract)),
            audits=initiates or seen.who.auditor,
            sees_mail=contract.state not in UNSENT and (initiates or seen.who.auditor),
        )
        response = make_response(shown)
        if contract.state is ContractState.SIGNED:
            response.headers["Refresh"] = LOOK_AGAIN
        return response


def name_lookup(parts: PortalParts) -> Callable[[str], str]:
    """From a subject to the name that people know; the subject itself for somebody who is not known any more."""

    def name(subject: str) -> str:
        try:
            return parts.appliance.registry.person(subject).name
        except NotFound:
            return subject

    return name


def _notice() -> str:
    """What has just been done, for who comes from a form."""
    say = translate()
    return {
        "decline": say("You have declined to sign. Everybody who knows of the contract is told."),
        "recall": say("The contract is recalled. Everybody who knows of it is told."),
        "extend": say("The deadline is extended. Everybody who knows of the contract is told."),
        "hand-over": say("Your signature is handed over."),
        "void": say("Your proposal is on its way to everybody. Declare it yourself, too."),
        "declared": say("Your declaration is signed and dated."),
        "refused": say("You have refused. The contract stays in force, and everybody is told."),
        "sent": say("The contract is on its way."),
    }.get(request.args.get("done", ""), "")


def _advice(seen: ContractView, *, told: bool) -> str:
    """What a signer should know who cannot sign now, though nothing is wrong. ``told``: by mail, or in the portal;
    a guest has no notices there."""
    party = seen.own_party()
    if party is None or seen.contract.state is not ContractState.SENT or seen.may(Permission.SIGN):
        return ""
    say = translate()
    if party.state is PartyState.SIGNED:
        signed = say("You have signed. You will be told when everybody has.")
        return signed if told else say("You have signed. This page shows when everybody has.")
    if party.kind is PartyKind.SEAL:
        return say("You ask for the seal when its turn comes; you will be told.")
    waiting = say("It is not your turn yet. You will be told when it is.")
    return waiting if told else say("It is not your turn yet. This page shows when it is.")


def _open_powers(parts: PortalParts, grounds: Iterable[StoredBasis]) -> Iterator[str]:
    """The powers of attorney whose page the visitor may open."""
    someone = visitor()
    for power in (parts.appliance.powers.get(each.power) for each in grounds if each.power is not None):
        if is_readable(parts, power, someone):
            yield power.id


def _untold(parts: PortalParts, seen: ContractView) -> list[Party]:
    """The guests on turn who have not come in yet: the initiator has to tell each of them a code."""
    contract = seen.contract
    if contract.state is not ContractState.SENT or seen.who.subject != contract.initiator:
        return []
    invited = [party for party in contract.on_turn if party.guest]
    return [party for party in invited if parts.appliance.guests.of_party(party.id).opened is None]


def _asks(seen: ContractView) -> bool:
    """Whether the visitor, to sign, asks for a seal."""
    party = seen.own_party()
    return party is not None and party.kind is PartyKind.SEAL


def _further(seen: ContractView) -> Iterator[tuple[str, str, str]]:
    """The acts besides the main one: address, name, and what they mean."""
    say = translate()
    offered = (
        (Permission.HAND_OVER, say("Hand over"), say("somebody else of your organisation signs instead of you")),
        (Permission.DECLINE, say("Decline to sign"), say("ends the contract for everybody")),
        (Permission.EXTEND, say("Extend the deadline"), say("everybody is told")),
        (Permission.RECALL, say("Recall the contract"), say("nobody can sign it any more")),
        (Permission.VOID, say("Propose to void it"), say("takes the signature of every party")),
        (Permission.DISCARD, say("Throw the draft away"), say("it cannot be brought back")),
    )
    return ((act.value, name, hint) for act, name, hint in offered if seen.may(act))


def _ended_because(events: tuple[TimelineEvent, ...]) -> str:
    """The reason that was given for a recall, from the history."""
    for event in events:
        if event.kind == "contract-recalled":
            return next((str(fact.value) for fact in event.facts if fact.label == "Reason" and fact.value), "")
    return ""
