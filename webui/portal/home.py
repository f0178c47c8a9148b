"""``/``: signed out, what this machine does for whom; signed in, what waits for the visitor, and the list of
contracts with the filter that is in the address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.model.accounts import AccountRole
from appliance.model.listing import EVERYTHING, MOST, ContractBucket, ContractFilter
from webui.portal.access import PortalVisitor, visitor_or_none
from webui.portal.parts import PortalParts
from webui.shared.language import translate

ROWS = 20
"""Contracts on one page of the list."""


def blueprint(parts: PortalParts) -> Blueprint:
    """The first page."""
    pages = Blueprint("home", __name__)

    @pages.get("/")
    def home() -> str | Response | BaseResponse:
        someone = visitor_or_none()
        if someone is None:
            is_new = parts.appliance.appointing.is_new()
            return render_template("home.html", checkpoint=parts.appliance.proofs.latest(), is_new=is_new)
        if someone.guest_of is not None:
            return redirect(url_for("contracts.page", contract_id=someone.guest_of[0]), 303)
        if AccountRole.OFFICER in someone.roles:
            return redirect("/office", 303)
        keeps = AccountRole.CUSTODIAN in someone.roles
        return _list(parts, someone, parts.appliance.seal_requests.waiting_for(someone.subject) if keeps else 0)

    return pages


def _list(parts: PortalParts, someone: PortalVisitor, seals: int) -> Response:
    """The visitor's contracts as chosen; for an auditor all of them, but for drafts of other organisations.
    *seals* wait for this custodian."""
    listing = parts.appliance.listing
    whose = EVERYTHING if AccountRole.AUDITOR in someone.roles else someone.subject
    chosen = read_filter(request.args)
    page = listing.list_page(whose, chosen.filter, audience=someone.audience, limit=ROWS)
    body = render_template(
        "contracts/list.html",
        auditor=whose == EVERYTHING,
        seals=seals,
        counts=listing.count_buckets(whose, someone.audience),
        chosen=chosen.typed,
        problems=chosen.problems,
        narrowed=chosen.narrowed,
        filtered=chosen.filtered,
        buckets=buckets(),
        kinds=listing.list_kinds(whose, someone.audience),
        page=page,
        further=None if page.next is None else _address(chosen.address, after=page.next),
        start=_address(chosen.address) if chosen.filter.after else None,
        capped=lambda number: f"{MOST}+" if number >= MOST else number,
    )
    return make_response(body, 422 if chosen.problems else 200)


def _address(choice: Mapping[str, str], **more: str) -> str:
    """The list's address with this choice."""
    query = urlencode({**choice, **more})
    return f"/?{query}" if query else "/"


NAMES = ("bucket", "q", "party", "kind", "since", "until")
LONGEST = 100
"""Characters of one word to search for; more is cut off, as no title or name is longer."""


@dataclass(frozen=True, slots=True)
class ListFilter:
    """``typed`` is what stands in the fields, ``address`` the same without what is empty, ``problems`` a sentence
    for each field that cannot be understood (it does not restrict then)."""

    filter: ContractFilter
    typed: Mapping[str, str]
    address: Mapping[str, str]
    problems: Mapping[str, str]

    @property
    def narrowed(self) -> bool:
        """Whether one of the fields is used that are folded away."""
        return any(self.typed[name] for name in ("party", "kind", "since", "until"))

    @property
    def filtered(self) -> bool:
        """Whether anything restricts the list."""
        return bool(self.address) or self.filter.after is not None


def read_filter(arguments: Mapping[str, str]) -> ListFilter:
    """The choice that the address of a list states."""
    typed = {name: " ".join(arguments.get(name, "").split())[:LONGEST] for name in NAMES}
    problems: dict[str, str] = {}
    if typed["bucket"] not in tuple(ContractBucket):
        typed["bucket"] = ""
    wanted = ContractFilter(
        bucket=ContractBucket(typed["bucket"]) if typed["bucket"] else None,
        kind=typed["kind"] or None,
        party=typed["party"] or None,
        since=_day(typed, "since", problems),
        until=_day(typed, "until", problems),
        query=typed["q"] or None,
        after=arguments.get("after") or None,
    )
    return ListFilter(wanted, typed, {name: value for name, value in typed.items() if value}, problems)


def buckets() -> list[tuple[str, str]]:
    """The states that can be chosen: value and name."""
    say = translate()
    return [
        ("", say("Any state")),
        (ContractBucket.DRAFT, say("Drafts")),
        (ContractBucket.TO_SIGN, say("For me to sign")),
        (ContractBucket.WAITING, say("Waiting for others")),
        (ContractBucket.DUE_SOON, say("Due soon")),
        (ContractBucket.DONE, say("Completed")),
        (ContractBucket.ENDED, say("Ended without a contract")),
    ]


def _day(typed: Mapping[str, str], name: str, problems: dict[str, str]) -> date | None:
    if not typed[name]:
        return None
    try:
        return date.fromisoformat(typed[name])
    except ValueError:
        problems[name] = translate()("“{value}” is not a day; write it like 2026-11-25.", value=typed[name])
        return None
