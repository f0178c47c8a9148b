"""The authority's part of a backup: made and sealed by its own user, opened with the recovery key alone.

Nobody else sees the store or the token in the clear: what crosses the socket of the role ``backup`` is sealed
for the recovery keys of the authority's own settings, and a statement of public facts.
"""

from hsm.backup.statement import BackupPartStatement, ServiceKey

__all__ = ["BackupPartStatement", "ServiceKey"]
