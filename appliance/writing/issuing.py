"""Issuing: what was written or filled in is typeset and becomes a draft, by the same door as an uploaded PDF."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.contracts.drafting import Drafting, DraftTerms
from appliance.errors import PreconditionRefused, StateRefused
from appliance.language.characters import words
from appliance.model.contract import Contract
from appliance.model.writing import Wording
from appliance.writing.filling import filled, require_defined
from appliance.writing.pages import TextTypesetter
from appliance.writing.templates import Templates
from appliance.writing.texts import LONGEST_TITLE, Texts


class Issuing:
    """Thread-safe. *by* is the initiator's subject everywhere; *values* are accepted ones, by field name."""

    def __init__(
        self,
        drafting: Drafting,
        press: TextTypesetter,
        kept: tuple[Texts, Templates],
    ) -> None:
        self._drafting = drafting
        self._press = press
        self._texts, self._templates = kept

    def typeset(self, wording: Wording, values: Mapping[str, str]) -> bytes:
        """The PDF of *wording* with *values* filled in. Raises as :func:`filled` and
        :meth:`TextTypesetter.typeset`."""
        _require_words(wording)
        require_defined(wording)
        return self._press.typeset(filled(wording, values))

    def from_text(self, text_id: str, values: Mapping[str, str], *, by: str, seen: int) -> Contract:
        """A draft with the text at the version *seen*. Raises :class:`StateRefused` when it has changed since."""
        text = self._texts.load_text(text_id, by)
        if text.version != seen:
            raise StateRefused("The text has changed since this page was loaded; load it again and look at it.")
        document = self.typeset(text.wording, values)
        terms = DraftTerms(
            text.wording.title, text.kind, text.wording.title, initiator=by, language=text.wording.language
        )
        contract = self._drafting.draft(document, terms)
        self._texts.belongs_to(text.id, contract.id, by=by)
        return contract

    def from_template(
        self, template_id: str, number: int, values: Mapping[str, str], *, title: str, by: str
    ) -> Contract:
        """A draft from version *number* of a template, which must be the one that is offered.

        Raises :class:`StateRefused` when it is retired or there is a newer version.
        """
        template = self._templates.offered(template_id, by)
        if template.current.number != number:
            raise StateRefused(
                "There is a newer version of the template “{name}” (version {number}); look through the form"
                " again.",
                name=template.name,
                number=template.current.number,
            )
        _require_title(title)
        document = self.typeset(template.current.wording, values)
        name = words(title)
        terms = DraftTerms(name, template.kind, name, initiator=by, language=template.language)
        return self._drafting.draft(document, terms)


def _require_words(wording: Wording) -> None:
    if not wording.html:
        raise PreconditionRefused("The text is empty; write something first.")


def _require_title(title: str) -> None:
    if not 1 <= len(words(title)) <= LONGEST_TITLE:
        raise PreconditionRefused("The contract needs a title of 1 to {most} characters.", most=LONGEST_TITLE)
