"""The auditor's pages: a contract's whole history with proof and exports, the checkpoints, how to check it all."""

from __future__ import annotations

from flask import Blueprint, Response, request

from appliance.errors import NotAllowed
from appliance.ledger.contract_audit import PAGE, Audit
from appliance.model.accounts import AccountRole
from appliance.model.contract import Contract
from webui.portal.access import ContractView, require, view_contract
from webui.portal.pages import appliance
from webui.shared.form_pages import Answer, render
from webui.shared.forms import whole_number
from webui.shared.language import translate

pages = Blueprint("audit", __name__)


def _audit() -> Audit:
    return Audit(appliance.database, appliance.proofs, appliance.settings.home.log_key)


@pages.get("/audit")
def overview() -> Answer:
    require(AccountRole.AUDITOR)
    found = _audit().checkpoints(before=whole_number(request.args.get("before", ""), 15))
    further = found[-1].size if len(found) == PAGE else None
    return render("audit/overview.html", checkpoints=found, further=further)


def _audited(contract_id: str) -> ContractView:
    """The contract, for auditors and its initiator. Raises as :func:`view_contract`, or :class:`NotAllowed`."""
    seen = view_contract(contract_id)
    if not seen.who.auditor and not seen.initiates:
        raise NotAllowed("The whole history is for auditors and for who started the contract.")
    return seen


@pages.get("/contracts/<contract_id>/history")
def history(contract_id: str) -> Answer:
    seen = _audited(contract_id)
    audited = _audit().of(contract_id, seen.audience)
    return render("audit/history.html", contract=seen.contract, audited=audited)


@pages.get("/contracts/<contract_id>/history.json")
def exported(contract_id: str) -> Answer:
    seen = _audited(contract_id)
    return _saved(_audit().to_json(seen.contract, seen.audience), seen.contract, "json", "application/json")


@pages.get("/contracts/<contract_id>/history.csv")
def table(contract_id: str) -> Answer:
    seen, say = _audited(contract_id), translate()
    content = _audit().to_csv(contract_id, seen.audience, say, yes_no=(say("yes"), say("not yet")))
    return _saved(content, seen.contract, "csv", "text/csv; charset=utf-8")


def _saved(content: bytes, contract: Contract, ending: str, kind: str) -> Response:
    """A file to save, named by the contract's id: titles are for people."""
    headers = {"Content-Disposition": f'attachment; filename="history-{contract.id}.{ending}"'}
    return Response(content, content_type=kind, headers=headers)
