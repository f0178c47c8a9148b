"""The checker: a document's bytes in, what its text has out, all of it read in a confined process."""

from __future__ import annotations

from appliance.confinement import Confinement
from appliance.errors import ConfinementFailed, DocumentRefused
from appliance.model import review_record as codec
from appliance.model.review import CheckResult
from appliance.review.rule_book import RuleBook


class ContentChecker:
    """Thread-safe. ``book`` are the rules; ``timeout`` in seconds bounds one check, whatever the patterns do."""

    def __init__(self, confinement: Confinement, book: RuleBook, *, timeout: float = 60.0) -> None:
        self._confinement = confinement
        self._rules = book.plain()
        self._timeout = timeout
        self.book = book

    def check_document(self, document: bytes) -> CheckResult:
        """What *document* has, and where. Raises :class:`DocumentRefused` when it cannot be read or took too long,
        and :class:`ConfinementFailed` when no confined process could be had."""
        arguments = {"document": document, "rules": self._rules}
        try:
            return codec.result(self._confinement.run("review.check", arguments, timeout=self._timeout))
        except ConfinementFailed as failure:
            if failure.values.get("cause") == "unavailable":
                raise
            raise DocumentRefused("unprocessable", failure.template) from failure
