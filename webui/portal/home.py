"""``/``: signed out, what this machine does for whom, or how its first officer registers; signed in, what waits
for the visitor, and the list of contracts with the filter that is in the address.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from urllib.parse import urlencode

from flask import Blueprint, redirect, request

from appliance.listing.exports import counterparties
from appliance.model.accounts import PEOPLES_ROLES, AccountRole, Strength
from appliance.model.listing import EVERYTHING, MOST, ContractBucket, ContractFilter
from appliance.model.office import EnrolmentRequestState
from webui.portal.access import PortalVisitor, visitor_or_none
from webui.portal.pages import appliance
from webui.portal.to_sign import WaitingSignatures, at_once, to_confirm, waiting_signatures
from webui.shared.form_pages import Answer, render, see_other
from webui.shared.forms import date_of, member_of
from webui.shared.language import translate

ROWS = 20
"""Contracts on one page of the list."""

FOLDED = ("party", "kind", "since", "until")
"""The fields of the filter that are folded away."""

NAMES = ("bucket", "q", *FOLDED)
LONGEST = 100
"""Characters of one word to search for; more is cut off, as no title or name is longer."""

pages = Blueprint("home", __name__)


@pages.get("/")
def home() -> Answer:
    someone = visitor_or_none()
    if someone is None:
        if appliance.appointing.is_new():
            return see_other("setup.setup")
        return render("home.html", checkpoint=appliance.proofs.latest())
    if someone.guest_of is not None:
        return see_other("contracts.page", contract_id=someone.guest_of[0])
    if AccountRole.OFFICER in someone.roles:
        return redirect("/office", 303)
    return _list(someone)


def _shared_captures(someone: PortalVisitor) -> int:
    """How many captures and plans are shared with the visitor; who has a place for captures is told there."""
    if someone.roles & {AccountRole.INVESTIGATOR, AccountRole.AUDITOR}:
        return 0
    return appliance.capture_sharing.count(someone.subject)


def _list(someone: PortalVisitor) -> Answer:
    """The visitor's contracts as chosen; for an auditor all of them, but for drafts of other organisations."""
    listing = appliance.listing
    whose = EVERYTHING if AccountRole.AUDITOR in someone.roles else someone.subject
    typed = {name: " ".join(request.args.get(name, "").split())[:LONGEST] for name in NAMES}
    if typed["bucket"] not in tuple(ContractBucket):
        typed["bucket"] = ""
    address = {name: value for name, value in typed.items() if value}
    wanted, problems = _filter(typed)
    together = at_once(someone) if wanted.bucket is ContractBucket.TO_SIGN else 0
    page = listing.list_page(whose, wanted, audience=someone.audience, limit=max(ROWS, together))
    keeps = AccountRole.CUSTODIAN in someone.roles
    counts = listing.count_buckets(whose, someone.audience)
    chooses = not address and wanted.after is None and whose != EVERYTHING and counts.to_sign > 1
    return render(
        "contracts/list.html",
        status=422 if problems else None,
        auditor=whose == EVERYTHING,
        first_step=_is_to_register(someone),
        seals=appliance.seal_requests.waiting_for(someone.subject) if keeps else 0,
        approvals=len(appliance.reviewing.queue(someone.subject)) if someone.manages else 0,
        shared=len(appliance.discussions.shared_with(someone.subject)),
        captured=_shared_captures(someone),
        remote=len(appliance.remote_requests.waiting_for(someone.subject)),
        counts=counts,
        waiting=waiting_signatures(someone) if chooses else WaitingSignatures(),
        chosen=typed,
        problems=problems,
        narrowed=any(typed[name] for name in FOLDED),
        filtered=bool(address) or wanted.after is not None,
        kinds=listing.list_kinds(whose, someone.audience),
        page=page,
        others={row.id: counterparties(row, someone.audience) for row in page.rows},
        together=together,
        own={row.id for row in to_confirm(page.rows, someone.subject)} if together else (),
        further=None if page.next is None else _address({**address, "after": page.next}),
        start=_address(address) if wanted.after else None,
        capped=lambda number: f"{MOST}+" if number >= MOST else number,
    )


def _is_to_register(someone: PortalVisitor) -> bool:
    """Whether the visitor still has to set up what they sign with: others did so with their account."""
    if someone.strength is not Strength.SINGLE_SIGN_ON or not someone.roles & PEOPLES_ROLES:
        return False
    asked = appliance.office.requests.requests_of(someone.subject)
    waits = any(each.state is EnrolmentRequestState.OPEN for each in asked)
    return not waits and not appliance.registry.is_enrolled(someone.subject)


def _address(query: Mapping[str, str]) -> str:
    return f"/?{urlencode(query)}" if query else "/"


def _filter(typed: Mapping[str, str]) -> tuple[ContractFilter, dict[str, str]]:
    """The choice that the address of the list states, and a sentence for each field that cannot be understood (it
    does not restrict then)."""
    days: dict[str, date | None] = {name: date_of(typed[name]) for name in ("since", "until")}
    wanted = ContractFilter(
        bucket=member_of(ContractBucket, typed["bucket"]),
        kind=typed["kind"] or None,
        party=typed["party"] or None,
        query=typed["q"] or None,
        after=request.args.get("after") or None,
        **days,
    )
    wrong = "“{value}” is not a day; write it like 2026-11-25."
    return wanted, {
        name: translate()(wrong, value=typed[name]) for name, day in days.items() if typed[name] and day is None
    }
