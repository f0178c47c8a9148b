"""``/notices``: what the visitor was told, what still waits first; and how much of it is new, on every page.

``/settings/reminders``: which reminders the visitor wants, and the address of a calendar (``/calendar/…``).
``/contracts/ID/dates``: when the contract takes effect, is to be renewed or ended, and ends.
``/contracts/ID/mail``: what became of the messages about it.
"""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Response, redirect, request, url_for

from appliance.errors import NotAllowed, NotFound, PreconditionRefused, StorageError
from appliance.model.contract import ContractState
from appliance.model.notice import DATES
from appliance.reminders.services import parse_preferences
from webui.portal.access import ContractView, PortalVisitor, view_contract, visitor_or_none
from webui.portal.accounts.settings import owner
from webui.portal.pages import appliance
from webui.shared.form_pages import Answer, FormProblems, form, form_problems, render, unprocessable
from webui.shared.forms import date_of, field, posted_number
from webui.shared.language import current_language, translate

MOST = 99
"""What is more is shown as so many and more."""

ADDRESS = "/settings/reminders"
FIELDS = ("quiet_start", "quiet_until", "daily")

AGAIN = frozenset({"unknown", "refused"})
"""States from which somebody may send a mail once more."""

pages = Blueprint("reminders", __name__)


@pages.app_context_processor
def for_the_frame() -> dict[str, object]:
    """``unseen_notices()`` for the frame of all pages."""
    return {"unseen_notices": _unseen}


def _unseen() -> str:
    """How many notices are new to the visitor; empty for none."""
    try:
        someone = visitor_or_none()
        if someone is None or someone.guest_of is not None:
            return ""
        count = appliance.reminders.inbox.count_unseen(someone.subject)
    except StorageError:  # the page that says so has a frame, too
        return ""
    return "" if count == 0 else str(count) if count <= MOST else f"{MOST}+"


@pages.get("/notices")
def notices() -> Answer:
    entries = appliance.reminders.inbox.list_entries(owner().subject, current_language())
    return render("reminders/notices.html", entries=entries, now=appliance.now())


@pages.post("/notices/seen")
def seen() -> Answer:
    appliance.reminders.inbox.mark_seen(owner().subject, _shown_until(appliance.now()))
    return redirect("/notices", 303)


def _shown_until(now: datetime) -> datetime:
    """The moment at which the page was made: never later than *now*, which stands for what is no moment."""
    try:
        until = datetime.fromisoformat(request.form.get("until", ""))
    except ValueError:
        return now
    return min(until, now) if until.tzinfo and until.year > 2000 else now


@pages.get("/calendar/<token>.ics")
def calendar(token: str) -> Answer:
    content = appliance.reminders.feeds.render_feed(token)
    headers = {"Content-Disposition": 'inline; filename="contracts.ics"', "Referrer-Policy": "no-referrer"}
    return Response(content, content_type="text/calendar; charset=utf-8", headers=headers)


@pages.get(ADDRESS)
def wishes() -> Answer:
    return _wishes(owner())


@pages.post(ADDRESS)
@form(wishes, owner, "quiet_start", refusals=(PreconditionRefused,), status=unprocessable)
def keep(who: PortalVisitor) -> Answer:
    given = parse_preferences(*(field(name, 5) for name in FIELDS))
    appliance.reminders.preferences.save_preferences(who.subject, given)
    return redirect(f"{ADDRESS}?done=1", 303)


@pages.post(f"{ADDRESS}/calendar")
def renew() -> Answer:
    """The address is in this answer and nowhere else: it is a secret, and only its digest is stored."""
    who = owner()
    return _wishes(who, fresh=appliance.reminders.feeds.renew_feed(who.subject))


@pages.post(f"{ADDRESS}/calendar/end")
def end() -> Answer:
    appliance.reminders.feeds.end_feed(owner().subject)
    return redirect(f"{ADDRESS}#calendar", 303)


def _wishes(who: PortalVisitor, *, fresh: str = "") -> Answer:
    """The page, with what was typed, or with the visitor's stored preferences."""
    reminders = appliance.reminders
    known, refused = reminders.preferences.load_preferences(who.subject), bool(form_problems().problems)
    moments = (known.quiet and known.quiet.start, known.quiet and known.quiet.until, known.daily)
    return render(
        "reminders/wishes.html",
        typed={
            name: field(name, 5) if refused else f"{at:%H:%M}" if at else ""
            for name, at in zip(FIELDS, moments, strict=True)
        },
        person=appliance.registry.person(who.subject),
        rules=appliance.policy.default.reminders,
        calendar=reminders.calendar.name,
        feed=reminders.feeds.current_feed(who.subject),
        fresh=fresh,
    )


def _manage_dates(contract_id: str) -> ContractView:
    seen = view_contract(contract_id)
    if not appliance.reminders.dates.may_change(seen.contract, seen.who.subject):
        raise NotAllowed("Its initiator keeps the dates of a contract, until it ends.")
    return seen


@pages.get("/contracts/<contract_id>/dates")
def dates(contract_id: str) -> Answer:
    seen = _manage_dates(contract_id)
    known = {each.kind: each.day.isoformat() for each in appliance.reminders.dates.list_dates(contract_id)}
    posted = request.method == "POST"
    return render(
        "reminders/dates.html",
        contract=seen.contract,
        typed={kind.value: field(kind.value, 10) if posted else known.get(kind, "") for kind in DATES},
        rules=appliance.policy.rules_for(seen.contract.kind).reminders,
        back=_back(seen),
    )


@pages.post("/contracts/<contract_id>/dates")
@form(dates, _manage_dates, refusals=(PreconditionRefused,), status=unprocessable)
def change(seen: ContractView, contract_id: str) -> Answer:
    typed = {kind: field(kind.value, 10).strip() for kind in DATES}
    days = {kind: date_of(text) for kind, text in typed.items()}
    wrong = [kind.value for kind, text in typed.items() if text and days[kind] is None]
    if wrong:
        raise FormProblems({name: translate()("Choose a day, like 2026-12-31.") for name in wrong})
    appliance.reminders.dates.change_dates(contract_id, days, by=seen.who.subject)
    return redirect(_back(seen), 303)


def _back(seen: ContractView) -> str:
    """A draft goes on where it was."""
    if seen.contract.state is ContractState.DRAFT:
        return f"/contracts/{seen.contract.id}/draft/document"
    return url_for("contracts.page", contract_id=seen.contract.id)


@pages.get("/contracts/<contract_id>/mail")
def mail(contract_id: str) -> Answer:
    """For the initiator and auditors: to whom others were written is not everybody's business."""
    seen = view_contract(contract_id)
    if not seen.initiates and not seen.who.auditor:
        raise NotFound("There is no contract {contract}.", contract=contract_id)
    shown = appliance.disclosing.mail_shown
    return render(
        "reminders/mail.html",
        contract=seen.contract,
        mails=[
            each
            for each in appliance.reminders.deliveries.list_deliveries(contract_id)
            if shown(seen.contract, each.kind, each.recipient, seen.audience)
        ],
        again=AGAIN if seen.initiates else frozenset(),
    )


@pages.post("/contracts/<contract_id>/mail/resend")
def resend(contract_id: str) -> Answer:
    seen = view_contract(contract_id)
    message = posted_number("message", 15)
    appliance.reminders.deliveries.resend_message(seen.contract, message, by=seen.who.subject)
    return redirect(f"/contracts/{contract_id}/mail", 303)
