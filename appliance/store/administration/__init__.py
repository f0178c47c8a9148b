"""The database of the administration: accounts, sessions, acts and the journal. The only place with its SQL."""

from appliance.store.schema import Schema

ADMINISTRATION = Schema("administration/migrations")

__all__ = ["ADMINISTRATION"]
