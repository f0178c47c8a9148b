"""Key ceremonies: driven by one reviewed file, witnessed by a transcript."""

from hsm.ceremony.context import CeremonyPins, RootPin
from hsm.ceremony.plan import CeremonyPlan, RecoveryPlan, RenewalPlan, load
from hsm.ceremony.proceedings import hold_ceremony
from hsm.ceremony.recovery import hold_recovery
from hsm.ceremony.renewal import hold_renewal

__all__ = [
    "CeremonyPins",
    "CeremonyPlan",
    "RecoveryPlan",
    "RenewalPlan",
    "RootPin",
    "hold_ceremony",
    "hold_recovery",
    "hold_renewal",
    "load",
]
