"""``/seals/uses``: the register of seal uses, and the same as a table for spreadsheets."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, render_template, request

from appliance.model.accounts import AccountRole
from appliance.model.seals import SealRequestState, UseFilter
from appliance.seal_requests.register import STATES, as_csv
from webui.portal.access import PortalVisitor, require
from webui.portal.parts import PortalParts
from webui.portal.seal_names import seal_name
from webui.shared.language import moment, translate

_EVERY_SEAL = (AccountRole.OFFICER, AccountRole.AUDITOR)


def install(pages: Blueprint, parts: PortalParts) -> None:
    """The register, for officers and auditors of the seals of their organisation, and for custodians of the seals
    that they keep."""
    register, registry = parts.appliance.seal_uses, parts.appliance.registry

    def allowed(visitor: PortalVisitor, wanted: UseFilter) -> UseFilter:
        if visitor.roles & set(_EVERY_SEAL):
            return register.of_company(visitor.audience, wanted)
        return register.of_custodian(visitor.subject, wanted)

    @pages.get("/seals/uses")
    def seal_uses() -> str:
        visitor = require(*_EVERY_SEAL, AccountRole.CUSTODIAN)
        wanted = allowed(visitor, _wanted())
        choice = allowed(visitor, UseFilter()).seals
        seals = [seal for seal in registry.seals() if choice is None or seal.subject in choice]
        return render_template(
            "signing/seal_uses.html",
            page=register.page(wanted, before=_number(request.args.get("before", ""))),
            seals=[(seal.subject, seal_name(seal)) for seal in seals],
            states=[(state.value, translate()(words)) for state, words in STATES.items()],
            said=STATES,
            typed=request.args,
            links=AccountRole.OFFICER not in visitor.roles,
        )

    @pages.get("/seals/uses.csv")
    def seal_uses_table() -> Response:
        visitor = require(*_EVERY_SEAL, AccountRole.CUSTODIAN)
        table = as_csv(register.every(allowed(visitor, _wanted())), translate(), moment)
        answer = Response(table, mimetype="text/csv")
        answer.headers["Content-Disposition"] = 'attachment; filename="seal-uses.csv"'
        return answer


def _wanted() -> UseFilter:
    """What the address asks for; what is no value of its kind asks for nothing."""
    seal, state = request.args.get("seal", "")[:80], request.args.get("state", "")
    return UseFilter(
        seals=(seal,) if seal else None,
        state=SealRequestState(state) if state in set(SealRequestState) else None,
        since=_date(request.args.get("since", "")),
        until=_date(request.args.get("until", "")),
        words=request.args.get("words", "").strip()[:100],
    )


def _date(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed)
    except ValueError:
        return None


def _number(typed: str) -> int | None:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else None
