"""The enterprise's policy: what a contract of a type needs before it is signed, and what is kept of it after."""

from appliance.policy.loading import load_policy, parse_policy
from appliance.policy.rules import Policy, PolicyRules, TypeRules

__all__ = ["Policy", "PolicyRules", "TypeRules", "load_policy", "parse_policy"]
