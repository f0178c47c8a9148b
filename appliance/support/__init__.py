"""The support bundle: what somebody who helps may know of a machine, and nothing else."""

from appliance.support.bundle import write_bundle

__all__ = ["write_bundle"]
