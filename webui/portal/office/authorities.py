"""``/office/authorities``: certification authorities of outside signers: registered with their certificate,
approved by officers' passkeys, ended."""

from __future__ import annotations

from flask import request, url_for

from webui.portal.office.forms import office_reader, pages, visiting_officer
from webui.portal.office.requests import to_decision
from webui.portal.pages import appliance
from webui.shared.form_pages import Answer, form, render, see_other
from webui.shared.forms import address_once, field

_PLACES = {
    "organisation": "organisation",
    "certificate": "certificate",
    "how you know": "reason",
    "": "certificate",
}
"""Word in a refusal → the field that it is about."""


@pages.get("/authorities")
def authorities() -> Answer:
    office_reader()
    every = appliance.office.anchors.all_anchors()
    return render(
        "office/authorities.html",
        authorities=[(each, appliance.office.anchors.described(each)) for each in every],
        names=appliance.office.members.names([each.registered_by for each in every]),
        typed={name: field(name) for name in ("organisation", "reason")},
    )


@pages.post("/authorities")
@form(authorities, visiting_officer, _PLACES)
def register_authority(by: str) -> Answer:
    file = request.files.get("certificate")
    content = b"" if file is None else file.read()
    made = address_once(
        appliance.submissions,
        by,
        lambda: url_for(
            "office.authority",
            anchor_id=appliance.office.anchors.register(
                content, organisation=field("organisation", 200), reason=field("reason", 500), by=by
            ).id,
        ),
    )
    return see_other("office.authority", anchor_id=made.rpartition("/")[2])


@pages.get("/authorities/<anchor_id>")
def authority(anchor_id: str) -> Answer:
    office_reader()
    anchor = appliance.office.anchors.anchor(anchor_id)
    subjects = [anchor.registered_by, *((anchor.ended_by,) if anchor.ended_by else ())]
    return render(
        "office/authority.html",
        anchor=anchor,
        described=appliance.office.anchors.described(anchor),
        names=appliance.office.members.names(subjects),
    )


@pages.post("/authorities/<anchor_id>/approve")
@form(authority, visiting_officer)
def approve_authority(by: str, anchor_id: str) -> Answer:
    return to_decision(by, appliance.office.drafts.anchors.draft_approval(anchor_id, by=by))


@pages.post("/authorities/<anchor_id>/end")
@form(authority, visiting_officer, "ended_because")
def end_authority(by: str, anchor_id: str) -> Answer:
    appliance.office.anchors.end(anchor_id, reason=field("ended_because", 500), by=by)
    return see_other("office.authority", anchor_id=anchor_id)
