"""``/contracts/<id>/pages/<n>.png``: pages as pictures, for those who may read the contract."""

from __future__ import annotations

from flask import Blueprint, Response, request

from appliance.documents.page_pictures import offered
from appliance.errors import NotFound
from appliance.model.contract import Contract
from webui.portal.access import ContractView, view_contract
from webui.portal.parts import PortalParts

USUAL_WIDTH = 1000


def blueprint(parts: PortalParts) -> Blueprint:
    """``?revision=R`` chooses a revision, the current one by default; ``?intent=I`` what that signature would make
    of it; ``?width=W`` the width in pixels, of which there are a few."""
    pages = Blueprint("pictures", __name__)

    @pages.get("/contracts/<contract_id>/pages/<int:number>.png")
    def page(contract_id: str, number: int) -> Response:
        seen = view_contract(parts, contract_id)
        contract = seen.contract
        if not 1 <= number <= contract.pages:
            raise NotFound("There is no page {page}; the document has {pages}.", page=number, pages=contract.pages)
        width = offered(request.args.get("width", USUAL_WIDTH, type=int))
        intent = request.args.get("intent")
        return _prepared(seen, intent, number, width) if intent else _stored(contract, number, width)

    def _stored(contract: Contract, number: int, width: int) -> Response:
        digest = _digest(contract, request.args.get("revision", contract.current.number, type=int))
        tag = f"{digest}-{number}-{width}"
        return _answer(tag) or _picture(parts.appliance.pictures.page(digest, number - 1, width), tag)

    def _prepared(seen: ContractView, intent: str, number: int, width: int) -> Response:
        """What is not signed yet is for the side that would sign, and for the custodians of a seal."""
        signer = parts.appliance.pictures.signer_of(intent, seen.contract.id)
        if signer not in seen.who.seals and not parts.appliance.disclosing.belongs(signer, seen.audience):
            raise NotFound("The contract has no signature {intent}.", intent=intent)
        tag = f"{intent}-{number}-{width}"
        return _answer(tag) or _picture(parts.appliance.pictures.prepared(intent, number - 1, width), tag)

    return pages


def _digest(contract: Contract, number: int) -> str:
    found = next((revision.digest for revision in contract.revisions if revision.number == number), None)
    if found is None:
        raise NotFound("Contract “{title}” has no revision {number}.", title=contract.title, number=number)
    return found


def _answer(tag: str) -> Response | None:
    """Not modified, when the browser has the picture already; nothing is made then."""
    return _headed(Response(status=304), tag) if request.if_none_match.contains(tag) else None


def _picture(data: bytes, tag: str) -> Response:
    return _headed(Response(data, content_type="image/png"), tag)


def _headed(response: Response, tag: str) -> Response:
    """Browsers may keep it and ask each time: who may not read the contract any more is shown nothing."""
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.vary.add("Cookie")
    return response
