"""The press: the PDF of a wording, typeset in a process of its own."""

from __future__ import annotations

from appliance.errors import ConfinementFailed, DocumentRefused
from appliance.model.writing import Wording
from appliance.typesetting import PATIENCE, PageOptions, TypesettingFailure, typeset
from appliance.writing.page import page

_MANNER = PageOptions(identifier=b"vermilion-writing", tagged=True)


class TextTypesetter:
    """Makes PDFs (A4) of wordings. Thread-safe; needs nothing but the machine's fonts."""

    def __init__(self, *, patience: float = PATIENCE) -> None:
        self._patience = patience

    def typeset(self, wording: Wording) -> bytes:
        """The PDF. The same wording gives the same bytes on the same machine.

        Raises :class:`DocumentRefused` (``too-large``) for what takes too much time or memory, and
        :class:`ConfinementFailed` when the machine cannot typeset at all.
        """
        try:
            whole = page(wording.html, title=wording.title, language=wording.language)
            return typeset(whole, _MANNER, patience=self._patience)
        except ConfinementFailed as error:
            if error.values.get("cause") != TypesettingFailure.TOO_LARGE.value:
                raise
            raise DocumentRefused(
                "too-large", "The text is too long to be typeset at once; split it, or upload it as a PDF."
            ) from error
