"""Who should act in a contract and is no longer there."""

from __future__ import annotations

from appliance.model.contract import Contract, ContractState
from appliance.reminders import duties
from appliance.store import roll
from appliance.store.database import Database


class AbsentActors:
    """Reads only. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def names_of_absent(self, contract: Contract) -> tuple[str, ...]:
        """Names of those who should act now and whose accounts are closed or suspended."""
        if contract.state is not ContractState.SENT:
            return ()
        with self._database.reading() as tx:
            _, missing = duties.asked_to_act(tx, contract)
            names = roll.names(tx, missing)
        return tuple(names.get(one, one) for one in dict.fromkeys(missing))
