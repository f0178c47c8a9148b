"""The sheet that is signed: the pages with the visitor's own fields, what exactly is activated, and the ways to
activate it.
"""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound as NoSuchPage

from appliance.contracts.permissions import Permission, permissions_of
from appliance.contracts.signing import LONGEST_PLACE, OpenedSigning
from appliance.language.sizes import ByteSize
from appliance.model.contract import Contract, Party, PartyKind, Placement
from appliance.model.people import SealRequest
from appliance.powers.coverage import CoverageOutcome
from appliance.seal_requests.status import LONGEST_REQUEST_REASON
from hsm.errors import Sentence
from webui.portal import activations
from webui.portal.access import visitor, who_is
from webui.portal.pages import appliance
from webui.shared.form_pages import Answer, render

WIDTH = 1000
"""Pixels of a page's picture where the browser cannot choose."""

pages = Blueprint("signing", __name__)


def fields_by_page(contract: Contract, party: Party) -> dict[int, list[tuple[int, Placement]]]:
    """Every page, by its number from 1, with the party's fields on it, numbered from 1 in reading order."""
    shown: dict[int, list[tuple[int, Placement]]] = {page: [] for page in range(1, contract.pages + 1)}
    places = sorted(party.places, key=lambda place: (place.page, place.y, place.x))
    for number, place in enumerate(places, 1):
        shown[place.page + 1].append((number, place))
    return shown


def signing_sheet(
    opened: OpenedSigning, problem: str = "", *, at: str = "", renewed: bool = False, status: int = 200
) -> Response:
    """The signing page of a person, or of the one who asks for a seal, with what became of the last try: a
    *problem*, in the field *at* if it is one's, or why the sheet was *renewed* (look again, nothing is wrong).
    Raises :class:`AuthorityError`."""
    contract, party, intent = opened.contract, opened.party, opened.intent
    known = activations.means_of(party.responsible)
    acts = permissions_of(contract, who_is(visitor()), appliance.now())
    return render(
        "signing/sign.html",
        status=status,
        contract=contract,
        party=party,
        intent=intent,
        pages=fields_by_page(contract, party),
        fields=len(party.places),
        means=known,
        may_decline=acts[Permission.DECLINE] is None,
        may_hand_over=acts[Permission.HAND_OVER] is None,
        earlier=_earlier(opened),
        annexes=appliance.annexes.of(contract.id),
        size_of=ByteSize,
        carried=appliance.earlier.signatures_of(contract.original.digest),
        authority=_authority(opened),
        seal_after=contract.seal_after(party),
        problem=problem,
        problem_at=at,
        renewed=renewed,
        longest={"reason": LONGEST_REQUEST_REASON, "place": LONGEST_PLACE},
        releases=_releases(opened),
    )


def _releases(opened: OpenedSigning) -> bool:
    """Whether it takes nobody but the one who asks for the seal."""
    party = opened.party
    if party.kind is not PartyKind.SEAL or opened.intent.intent.custodians > 1:
        return False
    return appliance.registry.seal(party.subject).counts_as_custodian(party.responsible)


def _authority(opened: OpenedSigning) -> Sentence | None:
    """Under which authority one signs, where policy asks for one."""
    decision = appliance.signing.authorisation_basis(opened).decision
    return None if decision.outcome is CoverageOutcome.NOT_NEEDED else decision.words


def _earlier(opened: OpenedSigning) -> SealRequest | None:
    """What became of the last request for this seal, for the one who asks again."""
    if opened.party.kind is not PartyKind.SEAL:
        return None
    return appliance.seal_requests.of_party(opened.party.id)


@pages.get("/contracts/<contract_id>/sign/<intent_id>/<int:number>.png")
def picture(contract_id: str, intent_id: str, number: int) -> Answer:
    """The picture of page *number* (from 1), for the person who activates the intent."""
    someone = visitor()
    contract = appliance.contracts.read_contract(contract_id, someone.subject)
    opened = appliance.signing.opened(contract, intent_id)
    if not _activates(opened, someone.subject) or not 1 <= number <= contract.pages:
        raise NoSuchPage
    width = request.args.get("width", WIDTH, type=int)
    png = appliance.pictures.prepared(contract, intent_id, number - 1, width)
    # The bytes of an intent never change; only who activates it ever asks, so nobody shares the copy.
    kept = {"Cache-Control": "private, max-age=900, immutable"}
    return Response(png, content_type="image/png", headers=kept)


def _activates(opened: OpenedSigning, subject: str) -> bool:
    if opened.party.responsible == subject:
        return True
    return opened.party.requester is not None and appliance.seal_requests.may_answer(
        opened.party.subject, opened.party.requester, subject
    )
