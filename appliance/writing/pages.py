"""The pages of a text: its HTML with our style sheets, typeset in a process of its own; previews are cached, and
what was written or filled in becomes a draft, by the same intake as an uploaded PDF.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from html import escape
from importlib import resources
from pathlib import Path

from appliance.contracts.drafting import Drafting, DraftTerms
from appliance.documents.page_pictures import PictureCache
from appliance.errors import ConfinementFailed, DocumentRefused, NotFound, PreconditionRefused, StateRefused
from appliance.language import Language
from appliance.language.characters import words
from appliance.model.contract import Contract, GuestDetails
from appliance.model.writing import Template, TemplateVersion, Wording
from appliance.pdf.workshop import PdfWorkshop
from appliance.typesetting import typesetter
from appliance.typesetting.typesetter import TypesettingFailure, typeset
from appliance.writing.filling import filled, require_defined
from appliance.writing.texts import Templates, Texts
from hsm.intents import LONGEST_TITLE

_IDENTIFIER = b"vermilion-writing"


def page(html: str, *, title: str, language: Language) -> str:
    """The whole document that is typeset."""
    return (
        f'<!doctype html><html lang="{language.tag}"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_style(language)}</style></head>"
        f'<body class="{language.value}">{html}</body></html>'
    )


@cache
def _style(language: Language) -> str:
    folder = resources.files(__package__).joinpath("styles")
    return "".join(
        folder.joinpath(name).read_text(encoding="utf-8") for name in ("paper.css", f"{language.value}.css")
    )


def typeset_wording(wording: Wording) -> bytes:
    """The PDF (A4) of *wording*. The same wording gives the same bytes on the same machine.

    Raises :class:`DocumentRefused` (``too-large``) for what takes too much time or memory, and
    :class:`ConfinementFailed` when the machine cannot typeset at all.
    """
    try:
        whole = page(wording.html, title=wording.title, language=wording.language)
        return typeset(whole, identifier=_IDENTIFIER, tagged=True)
    except ConfinementFailed as error:
        if error.values.get("cause") != TypesettingFailure.TOO_LARGE.value:
            raise
        raise DocumentRefused(
            "too-large", "The text is too long to be typeset at once; split it, or upload it as a PDF."
        ) from error


def typeset_together(wordings: Sequence[Wording]) -> list[bytes]:
    """The PDFs of *wordings* of one person, the same as :func:`typeset_wording` makes of each, in less time.
    Raises :class:`ConfinementFailed` when one of them is too large, or they are together."""
    pages = [page(each.html, title=each.title, language=each.language) for each in wordings]
    return typesetter.typeset_together(pages, identifier=_IDENTIFIER, tagged=True)


def require_typesetter() -> None:
    """Raises :class:`ConfinementFailed` (``unavailable``) when not even a page without text can be typeset: then
    it is the machine that fails, and no wording."""
    try:
        typeset(page("", title="", language=Language.ENGLISH), identifier=_IDENTIFIER)
    except ConfinementFailed as error:
        values = {**error.values, "cause": TypesettingFailure.UNAVAILABLE.value}
        raise ConfinementFailed(error.template, **values) from error


MOST_KEPT = 64 * 1024 * 1024
"""Bytes of stored previews; those not viewed for longest are removed first."""

DPI = 80


class TextPreviews:
    """Thread-safe, and shared by the processes of one home. It asks nobody's permission: callers do."""

    def __init__(self, folder: Path, workshop: PdfWorkshop) -> None:
        self._cache = PictureCache(folder, most=MOST_KEPT)
        for each in folder.glob("*.pdf"):  # left by releases without sub-folders
            each.unlink(missing_ok=True)
        self._workshop = workshop

    def document(self, wording: Wording) -> bytes:
        """The PDF of *wording*, merge fields shown by their names. Raises as :func:`typeset_wording`, and
        :class:`PreconditionRefused` for an empty text."""
        _require_words(wording)
        return self._cached("pdf", wording, typeset_wording)

    def pages(self, wording: Wording) -> int:
        return int(self._cached("pages", wording, self._count_pages))

    def picture(self, wording: Wording, page: int) -> bytes:
        """Page *page* (from 1) as PNG. Raises :class:`NotFound` for no such page."""
        document, count = self.document(wording), self.pages(wording)
        if not 1 <= page <= count:
            raise NotFound("There is no page {page}; the document has {pages}.", page=page, pages=count)
        return self._workshop.render(document, page - 1, dpi=DPI)

    def _count_pages(self, wording: Wording) -> bytes:
        return str(len(self._workshop.inspect(self.document(wording)).pages)).encode()

    def _cached(self, what: str, wording: Wording, make: Callable[[Wording], bytes]) -> bytes:
        told = "\0".join((what, wording.language.value, wording.title, wording.html))
        key = hashlib.sha256(told.encode()).hexdigest()
        found = self._cache.get(key)
        if not found:  # also a file that a power failure left empty
            found = make(wording)
            self._cache.put(key, found)
        return found


class Issuing:
    """Thread-safe. *by* is the initiator's subject everywhere; *values* are accepted ones, by field name."""

    def __init__(self, drafting: Drafting, texts: Texts, templates: Templates) -> None:
        self._drafting = drafting
        self._texts = texts
        self._templates = templates

    def from_text(
        self, text_id: str, values: Mapping[str, str], *, by: str, seen: int, into: str | None = None
    ) -> Contract:
        """A draft with the text at the version *seen*: a new one, or *into*, made of it before, with this in place
        of its document. Raises :class:`StateRefused` when the text has changed since, or that is no draft any
        more."""
        text = self._texts.load_text(text_id, by)
        if text.version != seen:
            raise StateRefused("The text has changed since this page was loaded; load it again and look at it.")
        document = typeset_filled(text.wording, values)
        if into is not None and into == text.contract:
            return self._drafting.replace_document(into, document, by=by)
        terms = DraftTerms(
            text.wording.title, text.kind, text.wording.title, initiator=by, language=text.wording.language
        )
        contract = self._drafting.draft(document, terms)
        self._texts.belongs_to(text.id, contract.id, by=by)
        return contract

    def from_template(
        self,
        template_id: str,
        number: int,
        values: Mapping[str, str],
        *,
        title: str,
        by: str,
        guests: Sequence[GuestDetails] = (),
        without: Collection[str] = (),
    ) -> Contract:
        """A draft from version *number* of a template, which must be the one that is offered, with its parties,
        whose open roles the *guests* take; *without* the roles of these names, which are filled in the draft.

        Raises :class:`StateRefused` when it is retired or there is a newer version, and as
        :meth:`Drafting.draft`.
        """
        template = self._templates.offered(template_id, by)
        require_current(template, number)
        _require_title(title)
        name = words(title)
        terms = DraftTerms(name, template.kind, name, initiator=by, language=template.language)
        offered = replace(template.current, parties=template.current.parties.without(without))
        return self.from_version(offered, values, terms, guests=guests)

    def from_version(
        self,
        version: TemplateVersion,
        values: Mapping[str, str],
        terms: DraftTerms,
        *,
        guests: Sequence[GuestDetails] = (),
        as_contract: str | None = None,
    ) -> Contract:
        """A draft of these *terms* from a *version* of a template that its initiator was offered, under the id
        *as_contract* where the caller has chosen one. Raises as :meth:`Drafting.draft`."""
        named = self._templates.values_of_roles(version, guests, terms.initiator)
        document = typeset_filled(version.wording, {**values, **named})
        return self._drafting.draft(
            document, terms, parties=version.parties, guests=guests, as_contract=as_contract
        )


def require_current(template: Template, number: int) -> None:
    """Raises :class:`StateRefused` unless the version *number* is the one that is offered."""
    if template.current.number != number:
        raise StateRefused(
            "There is a newer version of the template “{name}” (version {number}); look through the form again.",
            name=template.name,
            number=template.current.number,
        )


def typeset_filled(wording: Wording, values: Mapping[str, str]) -> bytes:
    """The PDF of *wording* with *values* filled in. Raises as :func:`filled` and :func:`typeset_wording`."""
    return typeset_wording(filled_in(wording, values))


def filled_in(wording: Wording, values: Mapping[str, str]) -> Wording:
    """*wording* with *values*, ready to be typeset. Raises as :func:`filled`."""
    _require_words(wording)
    require_defined(wording)
    return filled(wording, values)


def _require_words(wording: Wording) -> None:
    if not wording.html:
        raise PreconditionRefused("The text is empty; write something first.")


def _require_title(title: str) -> None:
    if not 1 <= len(words(title)) <= LONGEST_TITLE:
        raise PreconditionRefused("The contract needs a title of 1 to {most} characters.", most=LONGEST_TITLE)
