"""The enterprise's policy: what a contract of a type needs before it is signed, and what is kept of it after."""

from appliance.policy.rules import PRESETS, Policy, PolicyRules, TypeRules, load_policy, parse_policy

__all__ = ["PRESETS", "Policy", "PolicyRules", "TypeRules", "load_policy", "parse_policy"]
