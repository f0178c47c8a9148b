"""``/office``: what waits first, then everybody, then the seals."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from appliance.office import describe_decision, subjects_of_decision
from webui.portal.office.forms import office_reader
from webui.portal.parts import PortalParts


def install(pages: Blueprint, parts: PortalParts) -> None:
    """Adds the list to *pages*."""
    office = parts.appliance.office

    @pages.get("")
    def everything() -> str:
        office_reader()
        search = request.args.get("search", "")[:100]
        after = request.args.get("after", "")[:80]
        waiting, acts, seals = office.requests.waiting(), office.decisions.waiting_decisions(), office.seals.all()
        subjects = [each.subject for each in waiting]
        subjects += [subject for act in acts for subject in subjects_of_decision(act)]
        subjects += [custodian for seal in seals for custodian in seal.custodians]
        names = office.members.names(subjects)
        return render_template(
            "office/list.html",
            waiting=waiting,
            acts=[(act, describe_decision(act, names)) for act in acts],
            roll=office.members.page(search, after=after),
            seals=seals,
            names=names,
            search=search,
            after=after,
        )
