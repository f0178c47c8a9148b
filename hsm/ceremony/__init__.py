"""Key ceremonies: driven by one reviewed file, witnessed by a transcript."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hsm.ceremony.pins import CeremonyPins
from hsm.ceremony.plan import CeremonyPlan, load
from hsm.ceremony.proceedings import CeremonyResult, hold_ceremony
from hsm.config import AuthoritySettings

__all__ = ["CeremonyPins", "CeremonyPlan", "CeremonyResult", "hold", "hold_ceremony", "load"]


def hold(file: Path, settings: AuthoritySettings, *, show: Callable[[str], None]) -> CeremonyResult:
    """Holds the ceremony of *file* with the PINs in the home's ``secrets/``, and shows its transcript."""
    plan = load(file)
    pins = CeremonyPins.read(settings.home.root / "secrets")
    result = hold_ceremony(settings, plan, pins, show=show)
    show("")
    show(f"transcript: {result.transcript}")
    show(f"SHA-256 of the transcript: {result.sha256.hex()}")
    return result
