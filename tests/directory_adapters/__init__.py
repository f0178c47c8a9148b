"""The adapters of address books, against servers that speak as those do, and against the real SCIM endpoint."""
