"""What a package says of the grounds of a contract's signatures: records, letters, and entries of the log."""

from __future__ import annotations

import json
from dataclasses import dataclass

from appliance.evidence.authorisation_basis import FOLDER
from appliance.model.contract import Contract
from appliance.store import grounds
from appliance.wiring import Appliance


@dataclass(frozen=True, slots=True)
class GroundsMaterial:
    """``documents``: path in the package → bytes; ``entries``: the log entries of powers and identity checks.
    Their private fields stay closed, because the records say what matters."""

    documents: dict[str, bytes]
    entries: frozenset[int]


def grounds_of(appliance: Appliance, contract: Contract) -> GroundsMaterial:
    """The material of every completed signature of *contract*, numbered as the signatures of the package are."""
    documents: dict[str, bytes] = {}
    entries: set[int] = set()
    with appliance.database.reading() as tx:
        kept = grounds.of_contract(tx, contract.id)
    for number, made in enumerate(appliance.contracts.signatures(contract.id), start=1):
        record = kept.get(made.party.id)
        if record is None:
            continue
        documents[f"{FOLDER}{number:02}.json"] = record
        found = json.loads(record)
        if found["outcome"] != "not-needed":
            power = appliance.powers.get(found["considered"][0]["power"]["id"])
            documents[f"{FOLDER}{power.id}.pdf"] = appliance.powers.letter(power)
            entries |= set(power.entries)
        if found["identity"] is not None:
            entries.add(found["identity"]["entry"])
    return GroundsMaterial(documents, frozenset(entries))
