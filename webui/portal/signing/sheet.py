"""The sheet that is signed: pages, what exactly is activated, and the ways to activate it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import make_response, render_template, request
from werkzeug.wrappers import Response

from appliance.contracts.permissions import Permission, permissions_of
from appliance.contracts.signing import OpenedSigning
from appliance.contracts.signing_service import LONGEST_PLACE
from appliance.model.contract import PartyKind
from appliance.model.seals import SealRequest
from appliance.powers import CoverageOutcome
from appliance.seal_requests.status import LONGEST_REQUEST_REASON
from hsm.errors import Sentence
from webui.portal.access import visitor
from webui.portal.contracts.view import who_is
from webui.portal.earlier import earlier_signature_lines
from webui.portal.parts import PortalParts
from webui.portal.signing import activations
from webui.portal.signing.own import grouped_digest, shown_pages


@dataclass(frozen=True, slots=True)
class SheetRemark:
    """What is said above the sheet: ``renewed`` (look again, nothing is wrong) or a problem with the last try."""

    sentence: str
    renewed: bool = False
    status: int = 422


def signing_sheet(parts: PortalParts, opened: OpenedSigning, remark: SheetRemark | None = None) -> Response:
    """The signing page of a person, or of the one who asks for a seal. Raises :class:`AuthorityError`."""
    contract, party, intent = opened.contract, opened.party, opened.intent
    known = activations.means_of(parts, party.responsible)
    acts = permissions_of(contract, who_is(parts, visitor()), parts.now())
    page = render_template(
        "signing/sign.html",
        contract=contract,
        party=party,
        intent=intent,
        pages=shown_pages(contract, party),
        fields=len(party.places),
        digest=grouped_digest(intent.intent.digest),
        means=known,
        options=activations.activation_options(parts, intent.intent, known),
        may_decline=acts[Permission.DECLINE] is None,
        may_hand_over=acts[Permission.HAND_OVER] is None,
        earlier=_earlier(parts, opened),
        carried=earlier_signature_lines(parts, contract),
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
