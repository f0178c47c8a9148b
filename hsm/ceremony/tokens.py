"""The two tokens of a ceremony: initialised if they are not there, opened with the PINs of the participants."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pkcs11

from hsm.ceremony.pins import CeremonyPins
from hsm.ceremony.plan import CeremonyPlan
from hsm.config import AuthoritySettings
from hsm.control import PinChange
from hsm.errors import ConfigurationRefused, ModuleUnavailable
from hsm.initialisation import NewToken, initialise
from hsm.login import Login
from hsm.store import AuthorityStore
from hsm.token import TokenConnection


def prepare_tokens(settings: AuthoritySettings, plan: CeremonyPlan, pins: CeremonyPins) -> list[tuple[str, str]]:
    """Initialises both tokens; what was done to each, for the transcript.

    Raises :class:`ConfigurationRefused` for a token that is there already, unless the plan says to reuse it, and
    :class:`ModuleUnavailable` when the module does not answer.
    """
    module = settings.token.module
    present = _labels(module)
    wanted = [(plan.tokens.root, pins.root), (settings.token.label, pins.user)]
    if wanted[0][0] == wanted[1][0]:
        raise ConfigurationRefused("The root's token must be another one than the daemon's.")
    done = []
    for label, pin in wanted:
        if label not in present:
            initialise(module, NewToken(label, pins.security_officer, pin), dict(os.environ))
            done.append((f"token {label}", "initialised"))
        elif plan.tokens.reuse:
            done.append((f"token {label}", "was there already and is used again; older keys in it are not"))
        else:
            raise ConfigurationRefused(
                "The token {label} is there already; a ceremony begins with tokens that are not initialised.",
                label=label,
            )
    return done


def open_token(settings: AuthoritySettings, store: AuthorityStore, label: str, pin: str) -> TokenConnection:
    """A connection to the token *label*, which logs in with *pin* at first use; a wrong one is tried once."""
    login = Login(label, store.latch, settings.home.login_turns, PinChange(pin))
    return TokenConnection(settings.token.module, label, login)


def _labels(module: str) -> Sequence[str]:
    """The labels of all initialised tokens. The module is left finalised, so that it sees new tokens later."""
    try:
        library = pkcs11.lib(module)
        try:
            return [token.label for token in library.get_tokens()]
        finally:
            library.finalize()
    except (pkcs11.PKCS11Error, RuntimeError, OSError) as error:
        raise ModuleUnavailable(
            "The PKCS#11 module {module} does not answer ({why}).", module=module, why=type(error).__name__
        ) from error
