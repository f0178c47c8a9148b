"""A contract's files: the document at each revision, what each revision changed for the eye (``/revisions``), and
the evidence package of what is completed.
"""

from __future__ import annotations

import io
import re

from flask import Blueprint, Response, render_template, request, send_file
from werkzeug.exceptions import NotFound as NoSuchPage

from appliance.contracts.permissions import Permission
from appliance.documents.page_pictures import RevisionDifferences
from appliance.errors import NotFound
from appliance.evidence.exporting import Exporting
from appliance.language.sizes import ByteSize
from appliance.model.contract import Contract
from webui.portal.access import view_contract
from webui.portal.parts import PortalParts

_UNFIT = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
"""What file systems do not take in a name."""


def add_file_pages(pages: Blueprint, parts: PortalParts) -> None:
    """``document.pdf`` and ``evidence.zip``; both are always saved, never shown in the browser's own viewer."""
    exporting = Exporting(parts.appliance)

    @pages.get("/<contract_id>/document.pdf")
    def document(contract_id: str) -> Response:
        contract = view_contract(parts, contract_id).contract
        number = _revision(contract)
        return _saved(parts.appliance.contracts.document(contract, number), contract, "pdf", "application/pdf")

    @pages.get("/<contract_id>/evidence.zip")
    def evidence(contract_id: str) -> Response:
        seen = view_contract(parts, contract_id)
        seen.require(Permission.EXPORT)
        package = exporting.export(contract_id, seen.audience).package
        return _saved(package, seen.contract, "evidence.zip", "application/zip")


def _revision(contract: Contract) -> int:
    wanted = request.args.get("revision")
    if wanted is None:
        return contract.current.number
    if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 5):
        raise NoSuchPage
    return int(wanted)


def _saved(content: bytes, contract: Contract, ending: str, kind: str) -> Response:
    name = _UNFIT.sub(" ", contract.title).strip(" .")[:80] or contract.id
    return send_file(
        io.BytesIO(content), mimetype=kind, as_attachment=True, download_name=f"{name}.{ending}", max_age=None
    )


def add_revision_pages(pages: Blueprint, parts: PortalParts) -> None:
    """The list with the newest revision opened, and one address for each revision."""
    differences = RevisionDifferences(parts.appliance.pictures)

    @pages.get("/<contract_id>/revisions", defaults={"number": None})
    @pages.get("/<contract_id>/revisions/<int:number>")
    def revisions(contract_id: str, number: int | None) -> str:
        contract = view_contract(parts, contract_id).contract
        wanted = contract.current.number if number is None else number
        chosen = next((one for one in contract.revisions if one.number == wanted), None)
        if chosen is None:
            raise NotFound("Contract “{title}” has no revision {number}.", title=contract.title, number=wanted)
        original = chosen.number == contract.original.number
        return render_template(
            "contracts/revisions.html",
            contract=contract,
            chosen=chosen,
            difference=None if original else differences.difference_of(contract, chosen),
            names={party.id: party.name for party in contract.parties},
            size_of=ByteSize,
        )
