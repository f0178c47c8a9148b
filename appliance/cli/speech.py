"""How commands speak: one line at a time, in the language of the terminal, refusals to standard error."""

from __future__ import annotations

from collections.abc import Mapping

import click

from appliance.errors import ApplianceError
from appliance.language import Language, translator
from hsm.errors import AuthorityError


def language_of(environment: Mapping[str, str]) -> Language:
    """Chinese when the first locale variable that is set says so, in the order of POSIX; English otherwise."""
    locale = next(filter(None, (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return Language.CHINESE if locale.startswith("zh") else Language.ENGLISH


class Speech:
    """Says sentences of the catalogue. ``say`` may be handed on as it is."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._translate = translator(language)

    def say(self, template: str, /, **values: object) -> None:
        """One line on standard output, at once."""
        click.echo(self._translate(template, **values))

    def refuse(self, error: ApplianceError | AuthorityError) -> None:
        """The refusal's sentence on standard error."""
        click.echo(self._translate(error.template, **error.values), err=True)

    def warn(self, template: str, /, **values: object) -> None:
        """One line on standard error."""
        click.echo(self._translate(template, **values), err=True)
