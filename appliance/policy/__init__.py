"""The enterprise's policy: what a contract of a type needs before it is signed, and what is kept of it after."""

from appliance.policy.policy import Policy, Rules, TypeRules
from appliance.policy.reading import load_policy, parse_policy

__all__ = ["Policy", "Rules", "TypeRules", "load_policy", "parse_policy"]
