"""Document codes (查验码): what the appliance says of a contract to whoever knows its code."""

from __future__ import annotations

from datetime import date
from itertools import takewhile

from appliance.model.contract import Contract, ContractState, RevisionKind
from appliance.model.document_codes import PublishedContract, read_code, signatures_of
from appliance.store import amendments, contracts, document_codes
from appliance.store.database import Database

_COMPLETE = frozenset({ContractState.COMPLETED, ContractState.VOIDED})


class DocumentCodes:
    """Answers about codes. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def code_of(self, contract_id: str) -> str | None:
        """The code of a contract that was sent; None for a draft, and for one that was disposed of."""
        return self._database.query(document_codes.code_of, contract_id)

    def find(self, typed: str) -> PublishedContract | None:
        """What is said of the contract with the code that somebody *typed*; None where there is none."""
        code = read_code(typed)
        if code is None:
            return None
        with self._database.reading() as tx:
            contract_id = document_codes.contract_of(tx, code)
            if contract_id is None:
                return None
            ended = amendments.ended_from(tx, contract_id)
            return _published(code, contracts.load_contract(tx, contract_id), ended)


def _published(code: str, contract: Contract, ended: date | None) -> PublishedContract:
    complete = contract.state in _COMPLETE
    backwards = takewhile(lambda each: each.kind is RevisionKind.ARCHIVE, reversed(contract.revisions))
    whole = [*backwards][::-1] if complete else []
    return PublishedContract(
        code=code,
        number=contract.number if complete else "",
        state=contract.state,
        completed=whole[0].at if whole else None,
        pages=contract.pages,
        signatures=signatures_of(contract.parties) if complete else (),
        digests=tuple(each.digest for each in whole),
        ended=ended if complete else None,
    )
