"""``/office``: what waits first, then everybody, then the seals."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from appliance.office import subjects_in, words_of
from webui.portal.office.forms import reader
from webui.portal.parts import PortalParts


def install(pages: Blueprint, parts: PortalParts) -> None:
    """Adds the list to *pages*."""
    office = parts.appliance.office

    @pages.get("")
    def everything() -> str:
        reader()
        search = request.args.get("search", "")[:100]
        after = request.args.get("after", "")[:80]
        waiting, acts, seals = office.requests.waiting(), office.performing.waiting(), office.seals.all()
        subjects = [each.subject for each in waiting]
        subjects += [subject for act in acts for subject in subjects_in(act)]
        subjects += [custodian for seal in seals for custodian in seal.custodians]
        names = office.members.names(subjects)
        return render_template(
            "office/list.html",
            waiting=waiting,
            acts=[(act, words_of(act, names)) for act in acts],
            roll=office.members.page(search, after=after),
            seals=seals,
            names=names,
            search=search,
            after=after,
        )
