"""The database of the health monitor: findings, what was told of them, and figures over time.

Apart from the appliance's own, so that it can say that one is locked or damaged; nothing in it has to last.
"""

from hsm.schema import Schema

HEALTH = Schema("appliance.store.health")

__all__ = ["HEALTH"]
