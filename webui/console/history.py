"""``/history``: how figures went over a day, a week or a month, and the journal of what administrators did."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from appliance.errors import StorageError
from appliance.health.figures import FigureSeries
from appliance.model.administration import JournalKind, JournalLine
from webui.console.access import administration, parts, visitor
from webui.console.charts import PLANS, SPANS, Chart, Span, draw_chart, span_of
from webui.console.requests import mark_typed, request_sentence
from webui.shared.language import translate

LINES = 30
"""Lines of the journal on one page."""

SAID = {
    JournalKind.ADMINISTRATOR_ADDED: "An administrator was added",
    JournalKind.ADMINISTRATOR_SET_UP: "An account was set up",
    JournalKind.ADMINISTRATOR_SUSPENDED: "An account was suspended",
    JournalKind.ADMINISTRATOR_RESUMED: "A suspension was ended",
    JournalKind.ADMINISTRATOR_LOCKED: "An account was locked after too many failures",
    JournalKind.ADMINISTRATOR_UNLOCKED: "An account was unlocked",
    JournalKind.ADMINISTRATOR_REMOVED: "An administrator was removed",
    JournalKind.LINK_MADE: "A way in was made",
    JournalKind.LINK_ENDED: "A way in has ended after too many wrong codes",
    JournalKind.FACTORS_RESET: "Password and login code were taken back",
    JournalKind.PASSWORD_CHANGED: "The password was changed",
    JournalKind.LOGIN_CODE_CHANGED: "The login code was changed",
    JournalKind.PASSKEY_ADDED: "A passkey was registered",
    JournalKind.PASSKEY_REMOVED: "A passkey was removed",
    JournalKind.PASSKEY_CONFIRMED: "A passkey was confirmed on the machine",
    JournalKind.PASSKEY_UNCONFIRMED: "A passkey was taken back on the machine",
    JournalKind.SIGNED_IN: "Signed in",
    JournalKind.SIGN_IN_BLOCKED: "Attempts to sign in were stopped",
    JournalKind.SESSIONS_ENDED: "Sessions were ended",
    JournalKind.KEEPER_ENDED: "A keeper of the PIN was ended",
    JournalKind.PIN_PART_GIVEN: "A part of the PIN was given",
    JournalKind.PIN_PART_FORGOTTEN: "A part of the PIN was taken back",
    JournalKind.AUTHORITY_UNLOCKED: "The authority was unlocked",
    JournalKind.UNLOCK_FAILED: "Unlocking the authority failed",
    JournalKind.ACT_ASKED: "An act was asked for",
    JournalKind.ACT_APPROVED: "An act was approved",
    JournalKind.ACT_REFUSED: "An act was refused",
    JournalKind.ACT_WITHDRAWN: "An act was withdrawn",
    JournalKind.ACT_EXPIRED: "An act has expired",
    JournalKind.ACT_BEGUN: "An act was begun",
    JournalKind.ACT_DONE: "An act was done",
    JournalKind.ACT_FAILED: "An act failed",
    JournalKind.ACT_INTERRUPTED: "An act was interrupted",
    JournalKind.UNKNOWN: "Something that a newer release wrote",
}
"""What each kind of line is called."""

ENDED = (JournalKind.ACT_DONE, JournalKind.ACT_FAILED, JournalKind.ACT_INTERRUPTED)
"""The lines that tell what came of an act; the others about one tell what it does."""

TOLD = ("name", "login", "address", "attempts", "count", "fingerprint")
"""What is shown of the detail of a line that is about no act."""


blueprint = Blueprint("history", __name__)


@blueprint.get("/history")
def everything() -> str:
    """The page; ``before`` is the number of the line that the page before ended with."""
    visitor()
    span = span_of(request.args.get("span", ""))
    text = request.args.get("before", "")
    before = int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None
    journal = administration().journal
    found = journal.lines(before=before, limit=LINES)
    # Whether a line that is shown was changed. The health monitor looks at all of them, a part in each round.
    broken = journal.broken_at(beyond=found[-1].number - 1, upto=found[0].number) if found else None
    return render_template(
        "history.html",
        charts=_charts(span),
        spans=[(each.key, translate()(each.title)) for each in SPANS],
        span=span.key,
        lines=[(each, translate()(SAID[each.kind]), _detail(each)) for each in found],
        before=before,
        further=found[-1].number if len(found) == LINES else None,
        broken=broken,
    )


def _charts(span: Span) -> list[Chart]:
    """All charts; none while the figures cannot be read, which the first page says."""
    series, now = FigureSeries(parts().observations), parts().now()
    try:
        return [draw_chart(plan, series, span, now) for plan in PLANS]
    except StorageError:
        return []


def _detail(line: JournalLine) -> str:
    """What the act does that the line is about, or what came of it; else the details of the line."""
    if line.request:
        act = administration().requests.find_request(line.request)
        if told := request_sentence(act, outcome=line.kind in ENDED):
            return told
    return " · ".join(mark_typed(str(line.detail[name])) for name in TOLD if name in line.detail)
