"""The enterprise's policy: what a contract of a type needs before it is signed, and what is kept of it after."""

from appliance.policy.policy import Policy, PolicyRules, TypeRules
from appliance.policy.reading import load_policy, parse_policy

__all__ = ["Policy", "PolicyRules", "TypeRules", "load_policy", "parse_policy"]
