"""The auditor's pages: a contract's whole history with proof and exports, the checkpoints, how to check it all."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request

from appliance.errors import NotAllowed
from appliance.ledger.contract_audit import PAGE, Audit
from appliance.model.accounts import AccountRole
from appliance.model.contract import Contract
from webui.portal.access import ContractView, require, view_contract
from webui.portal.parts import PortalParts
from webui.shared.language import translate


def blueprint(parts: PortalParts) -> Blueprint:
    """``/audit``, and ``history`` below a contract."""
    pages = Blueprint("audit", __name__)
    audit = Audit(parts.appliance.database, parts.appliance.settings.home.trust / "log.vkey")

    @pages.get("/audit")
    def overview() -> str:
        require(AccountRole.AUDITOR)
        before = request.args.get("before", "")
        found = audit.checkpoints(before=int(before) if before.isdecimal() and len(before) < 16 else None)
        further = found[-1].size if len(found) == PAGE else None
        return render_template("audit/overview.html", checkpoints=found, further=further)

    @pages.get("/contracts/<contract_id>/history")
    def history(contract_id: str) -> str:
        seen = _audited(parts, contract_id)
        audited = audit.of(contract_id, seen.audience)
        return render_template("audit/history.html", contract=seen.contract, audited=audited)

    @pages.get("/contracts/<contract_id>/history.json")
    def exported(contract_id: str) -> Response:
        seen = _audited(parts, contract_id)
        return _saved(audit.to_json(seen.contract, seen.audience), seen.contract, "json", "application/json")

    @pages.get("/contracts/<contract_id>/history.csv")
    def table(contract_id: str) -> Response:
        seen, say = _audited(parts, contract_id), translate()
        content = audit.to_csv(contract_id, seen.audience, say, yes_no=(say("yes"), say("not yet")))
        return _saved(content, seen.contract, "csv", "text/csv; charset=utf-8")

    return pages


def _audited(parts: PortalParts, contract_id: str) -> ContractView:
    """The contract, for auditors and its initiator. Raises as :func:`view_contract`, or :class:`NotAllowed`."""
    seen = view_contract(parts, contract_id)
    if not seen.who.auditor and seen.who.subject != seen.contract.initiator:
        raise NotAllowed("The whole history is for auditors and for who started the contract.")
    return seen


def _saved(content: bytes, contract: Contract, ending: str, kind: str) -> Response:
    """A file to save, named by the contract's id: titles are for people."""
    response = Response(content, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="history-{contract.id}.{ending}"'
    return response
