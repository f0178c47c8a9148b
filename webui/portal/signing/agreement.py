"""``/agreement``: the text on electronic signing, accepted by a signature, before the first other signature."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from appliance.contracts.agreement_text import agreement_text
from appliance.errors import ApplianceError, StateRefused
from hsm.errors import AuthorityError, AuthorityUnreachable
from webui.portal.access import signatory
from webui.portal.parts import PortalParts
from webui.portal.signing import means
from webui.portal.signing.articles import articles_of
from webui.portal.signing.own import grouped
from webui.portal.signing.refusing import said
from webui.portal.signing.sheet import Remark
from webui.shared.language import current_language, local_path
from webui.shared.statuses import Refusal, status_of

_ID = frozenset("0123456789abcdef")


def install(pages: Blueprint, parts: PortalParts) -> None:
    """The text with the ways to accept it."""

    @pages.get("/agreement")
    def agreement() -> Response:
        return _shown(parts)

    @pages.post("/agreement")
    def accept() -> Response:
        subject = signatory().subject
        posted = request.form.get("agreement", "")[:64]
        try:
            activation = means.posted(subject)
            parts.appliance.agreements.accept(posted if _ID.issuperset(posted) else "", [activation])
        except (ApplianceError, AuthorityError) as refusal:
            if isinstance(refusal, AuthorityUnreachable):
                raise
            if parts.appliance.agreements.accepted(subject) is None:
                return _shown(parts, refusal)
        return redirect(_next(), 303)


def _next() -> str:
    return local_path(request.values.get("next", "/")[:500])


def _shown(parts: PortalParts, refusal: Refusal | None = None) -> Response:
    """The current text with a fresh proposal; how it was accepted, for somebody who has."""
    subject = signatory().subject
    accepted = parts.appliance.agreements.accepted(subject)
    if accepted is not None:
        text = articles_of(agreement_text(current_language(), accepted.version))
        return make_response(render_template("signing/agreed.html", accepted=accepted, text=text, next=_next()))
    known = means.means_of(parts, subject)
    if not known.any:
        return make_response(render_template("signing/no_means.html"))
    proposal = parts.appliance.agreements.propose(subject)
    page = render_template(
        "signing/agreement.html",
        text=articles_of(proposal.text),
        spoken=parts.appliance.registry.person(subject).language,
        proposal=proposal,
        digest=grouped(proposal.act.digest),
        means=known,
        options=means.options(parts, proposal.act, known),
        remark=None if refusal is None else _remark(refusal),
        next=_next(),
        typed=request.form,
    )
    return make_response(page, 200 if refusal is None else _remark(refusal).status)


def _remark(refusal: Refusal) -> Remark:
    status = status_of(refusal)
    if isinstance(refusal, ApplianceError) and not isinstance(refusal, StateRefused):
        status = 422
    return Remark(said(refusal, status), status=status)
