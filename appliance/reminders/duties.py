"""Who is to be reminded of a contract now: those who must act, never those who have; who stands in for whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from appliance.contracts import rules
from appliance.ledger.disclosure import Audience, belongs
from appliance.model.contract import Contract, ContractState, Party, PartyKind
from appliance.model.notice import Duty, ReminderRole
from appliance.model.seals import SealRequestState
from appliance.store import accounts, directory, people, seal_requests
from appliance.store.database import Database, Transaction


def duties_to_sign(tx: Transaction, contract: Contract) -> list[Duty]:
    """Who is to be reminded of the signing deadline, each once for each reason; nobody unless it is sent.

    Those whose turn it is, the custodians for whom a request waits, and the initiator as long as there are any.
    """
    if contract.state is not ContractState.SENT:
        return []
    acting, missing = asked_to_act(tx, contract)
    return acting + list(_looked_after(tx, contract, acting, missing))


def asked_to_act(tx: Transaction, contract: Contract) -> tuple[list[Duty], list[str]]:
    """Who is to act and can; and who should act and is no longer there, while nobody else can do it instead."""
    acting: list[Duty] = []
    missing: list[str] = []
    for party in rules.whose_turn(contract):
        possible = list(_of_party(tx, party))
        there = [duty for duty in possible if accounts.is_there(tx, duty.person)]
        acting += [duty for duty in there if duty not in acting]
        if possible and not there:
            missing.append(possible[0].person)
    return acting, missing


def _looked_after(
    tx: Transaction, contract: Contract, acting: Sequence[Duty], missing: Sequence[str]
) -> Iterator[Duty]:
    """The initiator, when others are to act; whoever should act and is no longer there is told to the initiator,
    or to the officers when it is the initiator."""
    if accounts.is_there(tx, contract.initiator):
        if missing or any(duty.person != contract.initiator for duty in acting):
            yield Duty(contract.initiator, ReminderRole.INITIATOR)
        for one in dict.fromkeys(missing):
            yield Duty(contract.initiator, ReminderRole.STAND_IN, one)
        return
    for officer in directory.officers(tx):
        for one in dict.fromkeys([contract.initiator, *missing]):
            yield Duty(officer, ReminderRole.STAND_IN, one)


def duties_of_dates(tx: Transaction, contract: Contract) -> list[Duty]:
    """Who is to be reminded of a date beyond signing; nobody unless the contract is completed.

    The initiator, whose note they are; if that person is no longer there, those who signed for the same
    organisation, else the officers.
    """
    if contract.state is not ContractState.COMPLETED:
        return []
    if accounts.is_there(tx, contract.initiator):
        return [Duty(contract.initiator, ReminderRole.INITIATOR)]
    own = Audience.of_person(people.person(tx, contract.initiator))
    colleagues = [each for each in rules.signatories(contract) if belongs(tx, each, own)]
    there = [each for each in colleagues if accounts.is_there(tx, each)]
    return [Duty(each, ReminderRole.STAND_IN, contract.initiator) for each in there or directory.officers(tx)]


def names_of_late(tx: Transaction, contract: Contract) -> tuple[str, ...]:
    """The names of those whose turn it is, and who have not acted."""
    return tuple(dict.fromkeys(_named(tx, party) for party in rules.whose_turn(contract)))


def _named(tx: Transaction, party: Party) -> str:
    if party.kind is PartyKind.SEAL:
        return directory.names(tx, [party.responsible]).get(party.responsible, party.name)
    return party.name


def _of_party(tx: Transaction, party: Party) -> Iterator[Duty]:
    """The signer; of a seal its custodians once it is asked for, nobody while it is being used."""
    request = seal_requests.of_party(tx, party.id) if party.kind is PartyKind.SEAL else None
    if request is None or not request.open:
        yield Duty(party.responsible, ReminderRole.SIGNER)
    elif request.state is SealRequestState.WAITING:
        for custodian in request.still_asked(people.seal(tx, request.seal)):
            yield Duty(custodian, ReminderRole.CUSTODIAN, request.id)


class AbsentActors:
    """Reads only. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def names_of_absent(self, contract: Contract) -> tuple[str, ...]:
        """Names of those who should act now and whose accounts are closed or suspended."""
        if contract.state is not ContractState.SENT:
            return ()
        with self._database.reading() as tx:
            _, missing = asked_to_act(tx, contract)
            names = directory.names(tx, missing)
        return tuple(names.get(one, one) for one in dict.fromkeys(missing))
