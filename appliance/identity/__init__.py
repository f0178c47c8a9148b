"""Identity: what of people's identity was checked, and keeping record of it."""

from appliance.identity.checking import IdentityCheck, IdentityChecks

__all__ = ["IdentityCheck", "IdentityChecks"]
