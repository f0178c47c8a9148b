"""``/templates/ID/merge``: one template for a list of counterparties, checked row by row before anything is made.

``/merges``: the visitor's lists. What was asked for is done by the scheduler; the page of a list shows how far.
"""

from __future__ import annotations

from collections import Counter

from flask import Response, redirect, request

from appliance.errors import ConfinementFailed, DocumentRefused, PreconditionRefused, StateRefused
from appliance.model.mail_merge import MergeParties, RowState
from appliance.writing.merge_lists import ROW_STATES, blank_workbook, report_workbook
from appliance.writing.merge_rows import CheckedList
from webui.portal.office.forms import seal_name
from webui.portal.pages import appliance, once, saved_file
from webui.portal.writing.template_parties import annexes_of, copies_of, role_row
from webui.portal.writing.texts import field_value, pages, writer
from webui.shared.form_pages import Answer, FormProblems, form, render, status_in_workflow
from webui.shared.forms import whole_number
from webui.shared.language import current_language, translate

SHOWN = 100
"""Rows on one page, and faults of a list that are shown."""

_LOOK_AGAIN = "3"
"""Seconds between two looks while the scheduler works on a list."""

_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_REFUSALS = (DocumentRefused, ConfinementFailed, PreconditionRefused, StateRefused)


@pages.get("/templates/<template_id>/merge")
def merge_form(template_id: str, found: CheckedList | None = None) -> Answer:
    """What to do, step by step; with what is wrong with a list that was *found* to have faults."""
    template, posted = appliance.writing.templates.offered(template_id, writer()), request.method == "POST"
    usable = [each for each in appliance.registry.seals() if each.suspended is None and each.destroyed is None]
    seals = [each for each in usable if not each.outside]  # the sender asks for it, which only its own people may
    return render(
        "writing/merge.html",
        status=422 if found is not None else None,
        template=template,
        found=found,
        roles=[role_row(role) for role in template.current.parties.roles],
        copies=copies_of(template.current.parties),
        annexes=annexes_of(template.current.parties),
        shown=SHOWN,
        signs=field_value("signs") == "1" if posted else True,
        seal=field_value("seal"),
        seals=[("", translate()("None")), *((each.subject, seal_name(each)) for each in seals)],
    )


@pages.get("/templates/<template_id>/merge.xlsx")
def merge_workbook(template_id: str) -> Answer:
    template = appliance.writing.templates.offered(template_id, writer())
    return saved_file(blank_workbook(template, current_language()), _WORKBOOK, f"{template.name[:60]}.xlsx")


@pages.post("/templates/<template_id>/merge")
@form(merge_form, writer, "list", refusals=_REFUSALS, status=status_in_workflow)
def upload_list(by: str, template_id: str) -> Answer:
    content = b""
    if given := request.files.get("list"):
        content = given.read()
        given.close()
    if not content:
        raise FormProblems({"list": translate()("Choose the file that you have filled in.")})
    found = appliance.mail_merges.check(template_id, content, language=current_language(), by=by)
    if found.problems:
        return merge_form(template_id, found)
    parties = MergeParties(field_value("signs") == "1", field_value("seal") or None)
    return once(by, lambda: f"/merges/{appliance.mail_merges.keep(template_id, found, parties, by=by).id}")


@pages.get("/merges")
def merges() -> Answer:
    subject = writer()
    names = {each.id: each.name for each in appliance.writing.templates.all(subject)}
    return render("writing/merges.html", merges=appliance.mail_merges.mine(subject), names=names, states=RowState)


@pages.get("/merges/<merge_id>")
def merge(merge_id: str) -> Answer:
    subject, merges = writer(), appliance.mail_merges
    progress = merges.progress(merge_id, subject)
    after = whole_number(request.args.get("after", ""), 9) or 0
    listed = merges.rows(merge_id, subject, after=after, most=SHOWN + 1)
    response = render(
        "writing/merge_rows.html",
        merge=progress.merge,
        template=appliance.writing.templates.load_template(progress.merge.template, subject),
        rows=listed[:SHOWN],
        further=listed[SHOWN - 1].number if len(listed) > SHOWN else None,
        later=after > 0,
        failed=merges.rows(merge_id, subject, most=SHOWN, state=RowState.FAILED),
        remarks=merges.remarks(merge_id, subject),
        counts=Counter(progress.counts),
        total=progress.total,
        waits=progress.waits,
        busy=progress.busy,
        states=ROW_STATES,
    )
    if progress.busy and not after:
        response.headers["Refresh"] = _LOOK_AGAIN
    return response


@pages.post("/merges/<merge_id>/<any(make, send, retry, remove):act>")
@form(merge, writer, refusals=(StateRefused,), status=status_in_workflow)
def go_on(by: str, merge_id: str, act: str) -> Answer:
    workflows = appliance.mail_merges
    match act:
        case "make":
            workflows.make_all(merge_id, by=by)
        case "send":
            workflows.send_all(merge_id, by=by)
        case "retry":
            workflows.retry(merge_id, by=by)
        case _:
            workflows.remove(merge_id, by=by)
            return redirect("/merges", 303)
    return redirect(f"/merges/{merge_id}", 303)


@pages.get("/merges/<merge_id>/report.xlsx")
def merge_report(merge_id: str) -> Response:
    _, rows = appliance.mail_merges.load(merge_id, writer())
    origin = appliance.settings.web.origin
    report = report_workbook(rows, translate(), lambda contract: f"{origin}/contracts/{contract}")
    return saved_file(report, _WORKBOOK, "report.xlsx")
