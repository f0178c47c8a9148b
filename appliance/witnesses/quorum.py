"""Which checkpoints have the quorum of the policy as it is now. Cosignatures are kept for good, and judged anew
each time: a policy that was changed holds at once, for what was cosigned before, too.

What met the quorum that was in force then stays recorded beside it (``store.witnesses.last_judged``).
"""

from __future__ import annotations

from appliance.config import Settings
from appliance.errors import ConfigurationError
from appliance.model.witnesses import WitnessedCheckpoint, WitnessesStatus, WitnessStanding
from appliance.store import ledger
from appliance.store import witnesses as store
from appliance.store.database import Transaction
from appliance.store.witnesses import WitnessState
from appliance.witnesses.policy import PolicyWitness, WitnessPolicy, policy_of


def last_witnessed(tx: Transaction, policy: WitnessPolicy, *, above: int = 0) -> WitnessedCheckpoint | None:
    """The newest checkpoint of more than *above* entries that has the quorum of *policy*; None without one, and
    where the policy asks for none."""
    if not policy.demands_witnesses:
        return None
    names, states = {each.key.vkey(): each.name for each in policy.witnesses}, store.states(tx)
    sizes = {name: states[vkey].size or 0 for vkey, name in names.items() if vkey in states}
    for size, witnesses in store.cosigned(tx, above=above, most=policy.reach(sizes)):
        if policy.is_met(frozenset(names[vkey] for vkey in witnesses & names.keys())):
            moments = store.cosigned_at(tx, size)
            known = {names[vkey]: moments[vkey] for vkey in witnesses & names.keys()}
            enough = (
                at
                for at in sorted(known.values())
                if policy.is_met(frozenset(name for name, made in known.items() if made <= at))
            )
            return WitnessedCheckpoint(size, next(enough))
    return None


def witnessed_size(settings: Settings, tx: Transaction, above: int) -> int | None:
    """The same by the policy that *settings* name, read anew, for :class:`appliance.ledger.LogProofs`. While that
    cannot be read, as health says then, nothing has a quorum, and proofs lead to the newest checkpoint."""
    try:
        policy = policy_of(settings)
    except ConfigurationError:
        return None
    found = None if policy is None else last_witnessed(tx, policy, above=above)
    return None if found is None else found.size


def status_of(tx: Transaction, policy: WitnessPolicy) -> WitnessesStatus:
    """How the witnesses of *policy* and its quorum stand.

    After a change of the policy nothing waits for longer than since the last judgement under the one before: until
    then all was as it had to be.
    """
    states, last, judged = store.states(tx), last_witnessed(tx, policy), store.last_judged(tx)
    size = 0 if last is None else last.size
    earlier = judged if judged is not None and judged.size > size else None
    waiting = ledger.checkpoint_made_after(tx, size) if policy.demands_witnesses else None
    if waiting is not None and earlier is not None:
        waiting = max(waiting, earlier.at)
    return WitnessesStatus(
        demanded=policy.demands_witnesses,
        witnesses=tuple(_standing(each, states.get(each.key.vkey())) for each in policy.witnesses),
        size=None if last is None else last.size,
        at=None if last is None else last.at,
        waiting_since=waiting,
        earlier=earlier,
    )


def _standing(witness: PolicyWitness, state: WitnessState | None) -> WitnessStanding:
    name, url = witness.key.name, witness.url
    if state is None:
        return WitnessStanding(name, url, None, None, None, "", None, 0)
    return WitnessStanding(
        name, url, state.size, state.cosigned, state.problem, state.said, state.since, state.refusals
    )
