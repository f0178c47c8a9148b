"""The tokens of a ceremony and their PINs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pkcs11

from hsm.ceremony.plan import CeremonyPlan
from hsm.config import AuthoritySettings
from hsm.errors import ConfigurationRefused, ModuleUnavailable
from hsm.initialisation import NewToken, initialise
from hsm.operations.context import AuthorityContext
from hsm.token import Login, TokenConnection
from hsm.worker_messages import PinChange


@dataclass(frozen=True, slots=True)
class CeremonyPins:
    """The security officer's PIN, the daemon's, the root's; ``root_parts``: how many people hold the last."""

    security_officer: str = field(repr=False)
    user: str = field(repr=False)
    root: str = field(repr=False)
    root_parts: int = 1

    @classmethod
    def read(cls, directory: Path) -> CeremonyPins:
        """The PINs in *directory*: ``so.pin``; ``user.pin`` and ``root.pin``, or their parts (``root.pin.1``, …).

        A split PIN is what SoftHSM has in place of the m-of-n of real modules: every part is needed.
        Raises :class:`ConfigurationRefused` when one is missing or too short.
        """
        root, root_parts = _joined(directory, "root.pin")
        user, _ = _joined(directory, "user.pin")
        return cls(_pin(directory / "so.pin"), user, root, root_parts)


@dataclass(frozen=True, slots=True)
class RootPin:
    """The PIN of the root's token alone, put together of so many ``parts``, held by as many people."""

    pin: str = field(repr=False)
    parts: int = 1

    @classmethod
    def read(cls, directory: Path) -> RootPin:
        """From ``root.pin`` or its parts in *directory*. Raises :class:`ConfigurationRefused`."""
        return cls(*_joined(directory, "root.pin"))

    @classmethod
    def typed(cls, parts: Sequence[str]) -> RootPin:
        """From *parts*, as their holders typed them, in their order."""
        return cls("".join(parts), len(parts))


def _joined(directory: Path, name: str) -> tuple[str, int]:
    """The PIN *name*, and of how many parts it is."""
    parts = sorted(directory.glob(f"{name}.[1-9]")) or [directory / name]
    return "".join(_pin(part, shortest=4 if len(parts) > 1 else 6) for part in parts), len(parts)


def _pin(path: Path, *, shortest: int = 6) -> str:
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigurationRefused("{path} can be read by others; make it mode 0600.", path=path)
        pin = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationRefused("The PIN file {path} cannot be read.", path=path) from error
    if len(pin) < shortest:
        raise ConfigurationRefused(
            "The PIN in {path} has less than {count} characters.", path=path, count=shortest
        )
    return pin


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


@contextmanager
def opened_token(context: AuthorityContext, label: str, pin: str) -> Iterator[TokenConnection]:
    """A connection to the token *label*, which logs in with *pin* at first use; a wrong one is tried once."""
    settings = context.settings
    login = Login(label, context.store.latch, settings.home.login_turns, PinChange(pin))
    connection = TokenConnection(settings.token.module, label, login)
    try:
        yield connection
    finally:
        connection.drop()


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
