"""Keeping completed contracts provable for as long as they are kept: archive timestamps renewed in time."""

from appliance.keeping.renewing import Keeping, Round

__all__ = ["Keeping", "Round"]
