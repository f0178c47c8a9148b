"""The PINs of a ceremony, read from files that only its own user can read; never shown, never passed on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hsm.errors import ConfigurationRefused


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
