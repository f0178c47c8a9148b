"""Policy as values: rules by area, the same for every type of contract unless its type has others. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.language.names import name_key
from appliance.policy.identity import IdentityRules
from appliance.policy.powers import PowerRules
from appliance.policy.reminders import ReminderRules
from appliance.policy.retention import RetentionRules
from appliance.policy.review import ReviewRules
from appliance.policy.seals import SealRules


@dataclass(frozen=True, slots=True)
class PolicyRules:
    """What holds for one contract: each area's rules, the areas named as the tables of ``config/policy.toml``."""

    identity: IdentityRules = field(default_factory=IdentityRules)
    powers: PowerRules = field(default_factory=PowerRules)
    review: ReviewRules = field(default_factory=ReviewRules)
    seals: SealRules = field(default_factory=SealRules)
    reminders: ReminderRules = field(default_factory=ReminderRules)
    retention: RetentionRules = field(default_factory=RetentionRules)


@dataclass(frozen=True, slots=True)
class TypeRules:
    """The rules of one type of contract: ``names`` is what the type is called, its table's name first."""

    names: tuple[str, ...]
    rules: PolicyRules


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of every type: ``default`` holds for each that has no entry in ``types``."""

    default: PolicyRules = field(default_factory=PolicyRules)
    types: tuple[TypeRules, ...] = ()

    def rules_for(self, kind: str) -> PolicyRules:
        """The rules for contracts of the type *kind*, in the initiator's words (``Contract.kind``)."""
        return next((each.rules for each in self.types if self._is(each, kind)), self.default)

    def names_for(self, kind: str) -> tuple[str, ...]:
        """What the type *kind* is called: all names of its entry, or the word itself."""
        return next((each.names for each in self.types if self._is(each, kind)), (kind,))

    @staticmethod
    def _is(entry: TypeRules, kind: str) -> bool:
        return name_key(kind) in map(name_key, entry.names)
