"""Copies (抄送): people with accounts who may read a contract once it is sent, and hear when it is completed."""

from __future__ import annotations

from appliance.contracts.access import Command, admit, record_change
from appliance.contracts.dependencies import ContractRecords
from appliance.contracts.permissions import Permission
from appliance.contracts.signatories import give_copy
from appliance.errors import NotFound
from appliance.ledger.audit_trail import AuditEvent, EventKind
from appliance.model.contract import Contract
from appliance.store import contracts


class Copying:
    """``by`` is the initiator, ``seen`` the version of the contract that was shown. Thread-safe."""

    def __init__(self, records: ContractRecords) -> None:
        self._records = records

    def add_reader(self, contract_id: str, subject: str, *, by: str, seen: int | None = None) -> Contract:
        """The contract, which *subject* may read from now on, or once it is sent.

        Raises :class:`PreconditionRefused` for somebody without an open account here, of an organisation that has
        no part in the contract, or who reads it anyway; and as :func:`admit`.
        """
        now = self._records.now()
        with self._records.database.transaction() as tx:
            contract = admit(tx, Command(contract_id, Permission.COPY, by, now, seen))
            return give_copy(tx, contract, subject, now)

    def remove_reader(self, contract_id: str, subject: str, *, by: str, seen: int | None = None) -> Contract:
        """The contract, which *subject* reads no more; what was read and saved cannot be taken back."""
        now = self._records.now()
        with self._records.database.transaction() as tx:
            contract = admit(tx, Command(contract_id, Permission.COPY, by, now, seen))
            if subject not in contract.copied:
                raise NotFound("This person gets no copy of the contract.")
            contracts.remove_copy(tx, contract_id, subject)
            event = AuditEvent(EventKind.COPY_REMOVED, now, by, contract_id, {"recipient": subject})
            return record_change(tx, contract, event)
