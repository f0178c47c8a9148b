"""The sheet that is signed: the pages with the visitor's own fields, what exactly is activated, and the ways to
activate it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, make_response, render_template, request
from werkzeug.exceptions import NotFound as NoSuchPage
from werkzeug.wrappers import Response as BaseResponse

from appliance.contracts.permissions import Permission, permissions_of
from appliance.contracts.signing import LONGEST_PLACE, OpenedSigning
from appliance.model.contract import Contract, Party, PartyKind, PartyState, Placement
from appliance.model.people import SealRequest
from appliance.powers.coverage import CoverageOutcome
from appliance.seal_requests.status import LONGEST_REQUEST_REASON
from hsm.errors import Sentence
from webui.portal.access import ContractView, visitor, who_is
from webui.portal.parts import PortalParts
from webui.portal.signing import activations

WIDTH = 1000
"""Pixels of a page's picture where the browser cannot choose."""

GROUP = 8
"""Characters of a digest that are read together."""


@dataclass(frozen=True, slots=True)
class OwnField:
    """One place of the visitor's signature: ``number`` counts from 1 over all pages."""

    number: int
    place: Placement


@dataclass(frozen=True, slots=True)
class ShownPage:
    """One page: ``number`` from 1, with the visitor's own fields on it."""

    number: int
    fields: tuple[OwnField, ...]


def own_party(seen: ContractView) -> Party | None:
    """The party that the visitor signs for: the one asked for, else one on turn, else one that waits, else any."""
    own = [party for party in seen.contract.parties if party.responsible == seen.who.subject]
    wanted = request.values.get("party")
    turn = seen.contract.on_turn
    ranked = sorted(own, key=lambda one: (one.id != wanted, one not in turn, one.state is not PartyState.WAITING))
    return ranked[0] if ranked else None


def shown_pages(contract: Contract, party: Party) -> tuple[ShownPage, ...]:
    """Every page, with the party's fields numbered in reading order."""
    places = sorted(party.places, key=lambda place: (place.page, place.y, place.x))
    fields = [OwnField(number, place) for number, place in enumerate(places, 1)]
    return tuple(
        ShownPage(page + 1, tuple(each for each in fields if each.place.page == page))
        for page in range(contract.pages)
    )


def grouped_digest(digest: bytes) -> Sequence[str]:
    """A digest's hex digits in groups that people can compare."""
    digits = digest.hex()
    return [digits[start : start + GROUP] for start in range(0, len(digits), GROUP)]


@dataclass(frozen=True, slots=True)
class SheetRemark:
    """What is said above the sheet: ``renewed`` (look again, nothing is wrong) or a problem with the last try."""

    sentence: str
    renewed: bool = False
    status: int = 422


def signing_sheet(parts: PortalParts, opened: OpenedSigning, remark: SheetRemark | None = None) -> BaseResponse:
    """The signing page of a person, or of the one who asks for a seal. Raises :class:`AuthorityError`."""
    contract, party, intent = opened.contract, opened.party, opened.intent
    known = activations.means_of(party.responsible)
    acts = permissions_of(contract, who_is(visitor()), parts.appliance.now())
    page = render_template(
        "signing/sign.html",
        contract=contract,
        party=party,
        intent=intent,
        pages=shown_pages(contract, party),
        fields=len(party.places),
        digest=grouped_digest(intent.intent.digest),
        means=known,
        options=activations.activation_options(intent.intent, known),
        may_decline=acts[Permission.DECLINE] is None,
        may_hand_over=acts[Permission.HAND_OVER] is None,
        earlier=_earlier(parts, opened),
        carried=parts.appliance.earlier.signatures_of(contract.original.digest),
        authority=_authority(parts, opened),
        remark=remark,
        typed=request.form,
        longest={"reason": LONGEST_REQUEST_REASON, "place": LONGEST_PLACE},
    )
    return make_response(page, 200 if remark is None else remark.status)


def _authority(parts: PortalParts, opened: OpenedSigning) -> Sentence | None:
    """Under which authority one signs, where policy asks for one."""
    decision = parts.appliance.signing.authorisation_basis(opened).decision
    return None if decision.outcome is CoverageOutcome.NOT_NEEDED else decision.words


def _earlier(parts: PortalParts, opened: OpenedSigning) -> SealRequest | None:
    """What became of the last request for this seal, for the one who asks again."""
    if opened.party.kind is not PartyKind.SEAL:
        return None
    return parts.appliance.seal_requests.of_party(opened.party.id)


def add_signed_page_picture(pages: Blueprint, parts: PortalParts) -> None:
    """``/contracts/ID/sign/INTENT/N.png``, pages from 1."""

    @pages.get("/contracts/<contract_id>/sign/<intent_id>/<int:number>.png")
    def picture(contract_id: str, intent_id: str, number: int) -> Response:
        someone = visitor()
        opened = parts.appliance.signing.opened(contract_id, intent_id)
        if not _activates(parts, opened, someone.subject):
            raise NoSuchPage
        if not 1 <= number <= opened.contract.pages:
            raise NoSuchPage
        width = request.args.get("width", WIDTH, type=int)
        png = parts.appliance.pictures.prepared(intent_id, number - 1, width)
        response = Response(png, content_type="image/png")
        # The bytes of an intent never change; only who activates it ever asks, so nobody shares the copy.
        response.headers["Cache-Control"] = "private, max-age=900, immutable"
        return response


def _activates(parts: PortalParts, opened: OpenedSigning, subject: str) -> bool:
    if opened.party.responsible == subject:
        return True
    return opened.party.requester is not None and parts.appliance.seal_requests.may_answer(
        opened.party.subject, opened.party.requester, subject
    )
