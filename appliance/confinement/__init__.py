"""Confined processes for untrusted bytes: one short-lived child per job, nothing but its arguments to touch.

:class:`Confinement` is what the appliance uses. The jobs that may run are listed in ``jobs.py``.
"""

from appliance.confinement.jobs import ConfinementLimits
from appliance.confinement.pool import Confinement

__all__ = ["Confinement", "ConfinementLimits"]
