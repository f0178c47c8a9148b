"""A contract's files: the document at each revision, what each revision changed for the eye (``/revisions``), the
evidence package of what is completed, and the pages as pictures, for those who may read the contract.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound as NoSuchPage

from appliance.documents.page_pictures import difference_of
from appliance.errors import NotFound
from appliance.evidence.exporting import Exporting
from appliance.language.sizes import ByteSize
from appliance.model.contract import Contract, ContractRevision, RevisionKind
from webui.portal.access import view_contract, visitor
from webui.portal.contracts.page import pages
from webui.portal.pages import appliance, page_width, saved_file
from webui.shared.form_pages import Answer, render
from webui.shared.forms import whole_number
from webui.shared.language import translate

_UNFIT = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
"""What file systems do not take in a name."""


@pages.get("/<contract_id>/document.pdf")
def document(contract_id: str) -> Answer:
    contract = view_contract(contract_id).contract
    wanted = request.args.get("revision")
    number = contract.current.number if wanted is None else whole_number(wanted, 4)
    if number is None:
        raise NoSuchPage
    revision, mark = _revision(contract, number), reader_mark(contract)
    content = (
        appliance.pictures.copied(revision.digest, mark)
        if mark
        else appliance.contracts.document(contract, number)
    )
    return _saved(content, contract, "pdf", "application/pdf")


def reader_mark(contract: Contract) -> str:
    """What lies across the visitor's copy of *contract*; empty once it is signed, or where policy asks for
    none."""
    signed = any(each.kind is RevisionKind.SIGNATURE for each in contract.revisions)
    if signed or not appliance.policy.rules_for(contract.kind).reading.watermark:
        return ""
    someone, today = visitor(), appliance.now().date().isoformat()
    who = " · ".join(filter(None, (someone.name, someone.organisation)))
    return translate()("{who} · {day} · unsigned copy", who=who, day=today)


@pages.get("/<contract_id>/annexes/<annex_id>")
def annex(contract_id: str, annex_id: str) -> Answer:
    """Always saved, never shown: what it is, nothing here has looked at."""
    seen = view_contract(contract_id)
    found, content = appliance.annexes.open(contract_id, annex_id, seen.who)
    name = _UNFIT.sub(" ", found.name).strip(" .") or found.digest[:16]
    return saved_file(content, "application/octet-stream", name)


@pages.get("/<contract_id>/evidence.zip")
def evidence(contract_id: str) -> Answer:
    seen = view_contract(contract_id)
    package = Exporting(appliance).export(contract_id, seen.audience, by=seen.who).package
    return _saved(package, seen.contract, "evidence.zip", "application/zip")


def _saved(content: bytes, contract: Contract, ending: str, kind: str) -> Response:
    name = _UNFIT.sub(" ", contract.title).strip(" .")[:80] or contract.id
    return saved_file(content, kind, f"{name}.{ending}")


@pages.get("/<contract_id>/revisions", defaults={"number": None})
@pages.get("/<contract_id>/revisions/<int:number>")
def revisions(contract_id: str, number: int | None) -> Answer:
    contract = view_contract(contract_id).contract
    chosen = _revision(contract, contract.current.number if number is None else number)
    original = chosen.number == contract.original.number
    return render(
        "contracts/revisions.html",
        contract=contract,
        chosen=chosen,
        difference=None if original else difference_of(appliance.pictures, contract, chosen),
        names={party.id: party.name for party in contract.parties},
        size_of=ByteSize,
    )


def _revision(contract: Contract, number: int) -> ContractRevision:
    found = next((revision for revision in contract.revisions if revision.number == number), None)
    if found is None:
        raise NotFound("Contract “{title}” has no revision {number}.", title=contract.title, number=number)
    return found


pictures = Blueprint("pictures", __name__)


@pictures.get("/contracts/<contract_id>/pages/<int:number>.png", endpoint="page")
def page_picture(contract_id: str, number: int) -> Answer:
    """``?revision=R`` chooses a revision, the current one by default; ``?intent=I`` what that signature would make
    of it; ``?width=W`` the width in pixels, of which there are a few."""
    seen = view_contract(contract_id)
    contract, drawn = seen.contract, appliance.pictures
    width, intent = page_width(contract, number), request.args.get("intent")
    if not intent:
        revision = _revision(contract, request.args.get("revision", contract.current.number, type=int))
        return _picture_of(contract, revision.digest, number, width)
    # What is not signed yet is for the side that would sign, and for the custodians of a seal.
    signer = drawn.signer_of(contract, intent)
    if signer not in seen.who.seals and not appliance.disclosing.belongs(signer, seen.audience):
        raise NotFound("The contract has no signature {intent}.", intent=intent)
    return _picture(f"{intent}-{number}-{width}", lambda: drawn.prepared(contract, intent, number - 1, width))


def current_picture(contract: Contract, number: int) -> Response:
    """Page *number* (from 1) as it is now, for whoever reads the contract; ``?width=W`` as above."""
    return _picture_of(contract, contract.current.digest, number, page_width(contract, number))


def _picture_of(contract: Contract, digest: str, number: int, width: int) -> Response:
    drawn = appliance.pictures
    if mark := reader_mark(contract):
        tag = hashlib.sha256(mark.encode()).hexdigest()[:16]
        return _picture(f"{digest}-{tag}-{number}-{width}", lambda: drawn.copy(digest, mark, number - 1, width))
    return _picture(f"{digest}-{number}-{width}", lambda: drawn.page(digest, number - 1, width))


def _picture(tag: str, make: Callable[[], bytes]) -> Response:
    """Not modified, when the browser has the picture already; nothing is made then. Browsers may keep it and ask
    each time: who may not read the contract any more is shown nothing."""
    known = request.if_none_match.contains(tag)
    response = Response(status=304) if known else Response(make(), content_type="image/png")
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.vary.add("Cookie")
    return response
