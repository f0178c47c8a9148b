"""``/contracts/ID/agreement``: the agreement on electronic signing, accepted before the first contract between the
same parties; ``/agreement``: its current text, and with whom it was accepted."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.contracts.permissions import Permission
from appliance.errors import ApplianceError, StateRefused
from appliance.model.contract import Party
from hsm.errors import AuthorityUnreachable, RefusalError
from webui.portal.access import ContractView, signatory, view_contract
from webui.portal.pages import name_of
from webui.portal.parts import PortalParts
from webui.portal.signing import activations
from webui.portal.signing.refusing import refusal_sentence
from webui.portal.signing.sheet import SheetRemark, grouped_digest, own_party
from webui.shared.errors import status_of
from webui.shared.language import current_language

_ARTICLE = re.compile(r"\d+\.\s+\*\*(?P<name>.+?)\*\*\s*(?P<words>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class AgreementArticle:
    """One numbered article: its name and its words."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class AgreementWords:
    """The text: what comes before the articles, the articles, and what comes after them."""

    title: str
    before: tuple[str, ...]
    articles: tuple[AgreementArticle, ...]
    after: tuple[str, ...]


def articles_of(text: str) -> AgreementWords:
    """The parts of *text*: Markdown with one ``# title``, paragraphs, and articles like ``1. **name** words``."""
    title = ""
    before: list[str] = []
    after: list[str] = []
    articles: list[AgreementArticle] = []
    for block in _blocks(text):
        found = _ARTICLE.fullmatch(block)
        if block.startswith("# "):
            title = block[2:].strip()
        elif found:
            articles.append(AgreementArticle(found["name"], found["words"]))
        else:
            (after if articles else before).append(block)
    return AgreementWords(title, tuple(before), tuple(articles), tuple(after))


def _blocks(text: str) -> list[str]:
    """Paragraphs and numbered items, each on one line."""
    parts = re.split(r"\n\s*\n|\n(?=\d+\. )", text.strip())
    return [_joined(part) for part in parts if part.strip()]


def _joined(part: str) -> str:
    """Lines put together: with a blank between Latin letters, without one between Chinese characters."""
    lines = [line.strip() for line in part.splitlines()]
    words = lines[0]
    for line in lines[1:]:
        words += (" " if words[-1:].isascii() or line[:1].isascii() else "") + line
    return words


_ID = frozenset("0123456789abcdef")


def add_agreement_pages(pages: Blueprint, parts: PortalParts) -> None:
    """The text with the ways to accept it, and the text alone."""

    @pages.get("/agreement")
    def agreement() -> str:
        accepted = parts.appliance.agreements.of_person(signatory().subject)
        text = articles_of(parts.appliance.agreements.text(current_language()))
        return render_template("signing/agreed.html", accepted=accepted, text=text, names=name_of)

    @pages.get("/contracts/<contract_id>/agreement")
    def agree(contract_id: str) -> BaseResponse:
        seen = view_contract(contract_id)
        return _asked(parts, seen, own_party(seen))

    @pages.post("/contracts/<contract_id>/agreement")
    def accept(contract_id: str) -> BaseResponse:
        seen = view_contract(contract_id)
        party = own_party(seen)
        posted = request.form.get("agreement", "")[:64]
        try:
            activation = activations.posted_activation(seen.who.subject)
            named = posted if _ID.issuperset(posted) else ""
            parts.appliance.agreements.accept(named, [activation], by=seen.who.subject)
        except RefusalError as refusal:
            if isinstance(refusal, AuthorityUnreachable):
                raise
            return _asked(parts, seen, party, refusal)
        return redirect(url_for("signing.sign", contract_id=contract_id, party=party.id if party else None), 303)


def _asked(
    parts: PortalParts, seen: ContractView, party: Party | None, refusal: RefusalError | None = None
) -> BaseResponse:
    """The text with a fresh proposal; the signing page for whoever has nothing to accept any more."""
    agreements, contract = parts.appliance.agreements, seen.contract
    onward = redirect(url_for("signing.sign", contract_id=contract.id, party=party.id if party else None), 303)
    if (
        party is None
        or seen.acts[Permission.SIGN] is not None
        or agreements.acceptances_of_party(contract.id, party.id) is not None
    ):
        return onward
    known = activations.means_of(seen.who.subject)
    if not known.any:
        return onward
    proposal = agreements.propose_for(contract.id, party.id, current_language())
    page = render_template(
        "signing/agreement.html",
        contract=contract,
        party=party,
        text=articles_of(proposal.text),
        proposal=proposal,
        digest=grouped_digest(proposal.intent.digest),
        means=known,
        options=activations.activation_options(proposal.intent, known),
        remark=None if refusal is None else _remark(refusal),
        typed=request.form,
    )
    return make_response(page, 200 if refusal is None else _remark(refusal).status)


def _remark(refusal: RefusalError) -> SheetRemark:
    status = status_of(refusal)
    if isinstance(refusal, ApplianceError) and not isinstance(refusal, StateRefused):
        status = 422
    return SheetRemark(refusal_sentence(refusal, status), status=status)
