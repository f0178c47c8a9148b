"""The database of the administration: accounts, sessions, requests, journal. The only place with its SQL."""

from hsm.schema import Schema

ADMINISTRATION = Schema("appliance.store.administration")

__all__ = ["ADMINISTRATION"]
