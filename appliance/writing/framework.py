"""The agreement on electronic signing as a framework agreement on paper, which two companies sign by hand: with
blanks for names, addresses, signatures and seals, and the current text as its annex."""

from __future__ import annotations

from functools import lru_cache

from markupsafe import Markup

from appliance.contracts.agreement_text import AgreementText
from appliance.language import Language
from appliance.typesetting.typesetter import page_template, typeset


def framework_agreement(
    text: AgreementText, language: Language, *, operator: str, title: str, shown: Markup
) -> bytes:
    """The PDF (A4) to print. *title* and *shown* (HTML) are the *text* in *language*, *operator* is the
    organisation that runs the appliance; version and digest of the text stand on it. Raises
    :class:`ConfinementFailed`."""
    page = page_template("appliance.writing", "templates/framework.html").render(
        language=language.value,
        operator=operator,
        version=text.version,
        digest=text.digests()[language.value],
        title=title,
        text=shown,
    )
    return _typeset(page)


@lru_cache(maxsize=4)
def _typeset(page: str) -> bytes:
    """The same page is the same PDF; to make it costs seconds."""
    return typeset(page, identifier=b"vermilion-framework"[:16], tagged=True)
