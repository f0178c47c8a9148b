"""Outside witnesses of the log (C2SP ``tlog-witness``): others who keep its last size and root, and cosign what
extends it.

Both sides are here: the log, which hands in its checkpoints and keeps the cosignatures, and the witness of a
second machine.
"""

from appliance.witnesses.policy import (
    PolicyWitness,
    Witnessing,
    WitnessPolicy,
    parse_policy,
    policy_of,
    read_policy,
)

__all__ = ["PolicyWitness", "WitnessPolicy", "Witnessing", "parse_policy", "policy_of", "read_policy"]
