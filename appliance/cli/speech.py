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


_YES, _NO = frozenset({"y", "yes", "是"}), frozenset({"", "n", "no", "否"})


class Terminal:
    """Says sentences of the catalogue, and asks in them. ``say`` may be handed on as it is."""

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

    def translated(self, message: str) -> str:
        """A message of the catalogue, to stand within another one."""
        return self._translate(message)

    def ask_hidden(self, template: str, /, **values: object) -> str:
        """What somebody types without its being shown; asked for on standard error. Raises :class:`click.Abort`
        when nobody types any more."""
        return str(click.prompt(self._translate(template, **values), hide_input=True, err=True))

    def confirms(self, template: str, /, **values: object) -> bool:
        """Whether somebody says yes (y, yes, 是); a mere line end is no. Raises as :meth:`ask_hidden`."""
        question = f"{self._translate(template, **values)} [y/N]"
        while True:
            said = str(click.prompt(question, default="", show_default=False, err=True)).strip().lower()
            if said in _YES | _NO:
                return said in _YES
            self.warn("Answer y or n.")
