"""Pictures of what is about to be signed, for those who activate it and nobody else."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound as NoSuchPage

from appliance.contracts.signing import OpenedSigning
from webui.portal.access import visitor
from webui.portal.parts import PortalParts
from webui.portal.signing.own import WIDTH


def install(pages: Blueprint, parts: PortalParts) -> None:
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
