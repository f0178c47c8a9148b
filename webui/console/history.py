"""``/history``: how figures went over a day, a week or a month, and the journal of what administrators did."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from appliance.errors import StorageError
from appliance.model.administration import JournalKind, JournalLine
from webui.console.access import administration, parts, visitor
from webui.console.charts import PLANS, SPANS, Chart, Span, draw_chart, span_of
from webui.console.requests import mark_typed, request_sentence
from webui.shared.language import translate

LINES = 30
"""Lines of the journal on one page."""

ENDED = (JournalKind.REQUEST_DONE, JournalKind.REQUEST_FAILED, JournalKind.REQUEST_INTERRUPTED)
"""The lines that tell the result of an admin request; its other lines tell what it does."""

RESULT = ("name", "login", "address", "attempts", "count", "fingerprint")
"""The details that are shown of a line that is not about an admin request."""


blueprint = Blueprint("history", __name__)


@blueprint.get("/history")
def everything() -> str:
    """The page; ``before`` is the number of the line that the page before ended with."""
    visitor()
    span = span_of(request.args.get("span", ""))
    text = request.args.get("before", "")
    before = int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None
    journal = administration.journal
    found = journal.lines(before=before, limit=LINES)
    # Whether a line that is shown was changed. The health monitor looks at all of them, a part in each round.
    broken = journal.broken_at(beyond=found[-1].number - 1, upto=found[0].number) if found else None
    return render_template(
        "history.html",
        charts=_charts(span),
        spans=[(each.key, translate()(each.title)) for each in SPANS],
        span=span.key,
        lines=[(each, translate()(each.kind.label), _detail(each)) for each in found],
        before=before,
        further=found[-1].number if len(found) == LINES else None,
        broken=broken,
    )


def _charts(span: Span) -> list[Chart]:
    """All charts; none while the figures cannot be read, which the first page says."""
    series, now = parts.observations, parts.now()
    try:
        return [draw_chart(plan, series, span, now) for plan in PLANS]
    except StorageError:
        return []


def _detail(line: JournalLine) -> str:
    """What the admin request does that the line is about, or what came of it; else the details of the line."""
    if line.request:
        act = administration.requests.find_request(line.request)
        if told := request_sentence(act, outcome=line.kind in ENDED):
            return told
    return " · ".join(mark_typed(str(line.detail[name])) for name in RESULT if name in line.detail)
