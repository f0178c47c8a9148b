"""Who has a contract in which list, and by which words it is found. Pure: a contract in, rows out."""

from __future__ import annotations

from appliance.contracts import rules
from appliance.model.contract import Contract, ContractState
from appliance.model.listing import EVERYTHING, ContractBucket, SearchWords

_BUCKETS = {
    ContractState.DRAFT: ContractBucket.DRAFT,
    ContractState.SENT: ContractBucket.WAITING,
    ContractState.SIGNED: ContractBucket.WAITING,
    ContractState.COMPLETED: ContractBucket.DONE,
}


def buckets_of(contract: Contract) -> dict[str, ContractBucket]:
    """Each person (subject) who has the contract in a list; those who see everything are :data:`EVERYTHING`."""
    bucket = _BUCKETS.get(contract.state, ContractBucket.ENDED)
    found = {EVERYTHING: bucket}
    if contract.state is ContractState.DISCARDED:
        return found
    if contract.state is ContractState.DRAFT:
        return found | {contract.initiator: bucket}
    found |= dict.fromkeys((*contract.former, *rules.everybody(contract)), bucket)
    return found | dict.fromkeys(_asked(contract), ContractBucket.TO_SIGN)


def _asked(contract: Contract) -> list[str]:
    """Who is to do something now: sign, or declare the contract void."""
    if contract.state is ContractState.COMPLETED and contract.voiding is not None:
        return [one for one in rules.signatories(contract) if one not in contract.voiding.declared]
    return [party.responsible for party in rules.whose_turn(contract)]


def search_words_of(contract: Contract) -> SearchWords:
    """Title and type, and the names of all parties."""
    names = dict.fromkeys(name for party in contract.parties for name in (party.name, party.organisation))
    return SearchWords(f"{contract.title}\n{contract.kind}", "\n".join(names))
