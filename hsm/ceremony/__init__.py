"""Key ceremonies: driven by one reviewed file, witnessed by a transcript."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hsm.ceremony.plan import CeremonyPlan, RecoveryPlan, RenewalPlan, load, load_recovery, load_renewal
from hsm.ceremony.proceedings import CeremonyResult, hold_ceremony
from hsm.ceremony.recovery import hold_recovery
from hsm.ceremony.renewal import RenewalPermission, hold_renewal
from hsm.ceremony.tokens import CeremonyPins, RootPin
from hsm.config import AuthoritySettings
from hsm.files import write_durably

__all__ = [
    "CeremonyPins",
    "CeremonyPlan",
    "CeremonyResult",
    "RecoveryPlan",
    "RenewalPermission",
    "RenewalPlan",
    "RootPin",
    "hold",
    "hold_ceremony",
    "hold_recovery",
    "hold_renewal",
    "load",
    "load_recovery",
    "load_renewal",
    "recover",
    "renew",
]


def hold(
    file: Path,
    settings: AuthoritySettings,
    *,
    show: Callable[[str], None],
    codes_to: Path | None = None,
    pins: Path | None = None,
) -> CeremonyResult:
    """Holds the ceremony of *file* and shows its transcript. The PINs are files in *pins*, else in ``secrets/``.

    Set-up codes are shown after it, on this one copy, or written to *codes_to* (mode 0600) and not shown.
    """
    plan = load(file)
    read = CeremonyPins.read(pins or settings.home.root / "secrets")
    result = hold_ceremony(settings, plan, read, show=show)
    _show_result(result, show)
    _hand_out(result, "set-up codes, each for one officer; they are kept nowhere else:", codes_to, show)
    return result


def _show_result(result: CeremonyResult, show: Callable[[str], None]) -> None:
    show("")
    show(f"transcript: {result.transcript}")
    show(f"SHA-256 of the transcript: {result.sha256.hex()}")


def _hand_out(result: CeremonyResult, what: str, codes_to: Path | None, show: Callable[[str], None]) -> None:
    if codes_to is not None and result.setup_codes:
        write_durably(codes_to, "".join(f"{code}\n" for code in result.setup_codes).encode(), mode=0o600)
    elif result.setup_codes:
        show(what)
        for code in result.setup_codes:
            show(f"  {code}")


def recover(
    plan: RecoveryPlan,
    pin: RootPin,
    settings: AuthoritySettings,
    *,
    show: Callable[[str], None],
    codes_to: Path | None = None,
) -> CeremonyResult:
    """Holds the recovery of *plan* and shows its transcript; its codes as :func:`hold` does."""
    result = hold_recovery(settings, plan, pin, show=show)
    _show_result(result, show)
    named = ", ".join(plan.officers)
    _hand_out(result, f"recovery codes, one for each in this order: {named}; kept nowhere else:", codes_to, show)
    return result


def renew(
    plan: RenewalPlan, permission: RenewalPermission, settings: AuthoritySettings, *, show: Callable[[str], None]
) -> CeremonyResult:
    """Holds the renewal of *plan* with the PINs in the home's ``secrets/``, and shows its transcript."""
    pins = CeremonyPins.read(settings.home.root / "secrets")
    result = hold_renewal(settings, plan, permission, pins=pins, show=show)
    _show_result(result, show)
    return result
