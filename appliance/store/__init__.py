"""The appliance's one database: every SQL statement is in this package."""

from hsm.schema import Schema

APPLIANCE = Schema("appliance.store")
"""The schema of the appliance's database."""


def latest() -> int:
    """The number of this release's schema of the appliance's database."""
    return APPLIANCE.latest()
