"""Vouching: the initiator answers for outside signers of a contract; the authority certifies them for it alone.

1. The initiator is asked at sending, for all of them at once; the activation service shows the codes, never we do.
2. The signer types the code where the passkey is made, and comes back with a receipt.
3. What the authority states of it is kept with a timestamp: evidence demands it.
4. When the contract has ended, code and key end at the authority.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta

from appliance.contracts import rules
from appliance.contracts.access import Command, admit
from appliance.contracts.permissions import Permission
from appliance.errors import PreconditionRefused
from appliance.ledger.audit_trail import AuditEvent, EventKind, Field, append_event
from appliance.model.api_clients import require_person
from appliance.model.contract import Contract, ContractState, Party, PartyState
from appliance.model.vouching import Vouching
from appliance.signing_methods import SigningMethod
from appliance.store import contracts, people, vouchings
from appliance.store.database import Database, Transaction, reads
from appliance.timestamping import TimestampIssuer
from hsm import canonical
from hsm.client import AuthorityClient
from hsm.errors import UnknownKey
from hsm.intents import OfficerIntent, moment_in
from hsm.names import visible
from hsm.operation_types import KnownVouching
from hsm.vouching import VOUCH, VouchedSigner

_LASTS = timedelta(minutes=14)
"""An intent: a little less than the authority allows, for clocks that differ."""

_MOST_AT_ONCE = 50


class Vouchings:
    """Thread-safe."""

    def __init__(
        self,
        database: Database,
        authority: AuthorityClient,
        timestamps: TimestampIssuer,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._authority = authority
        self._timestamps = timestamps
        self._now = now

    of_person = reads(vouchings.of_person)
    of_contract = reads(vouchings.of_contract)

    def lacking(self, contract: Contract) -> tuple[Party, ...]:
        """The outside signers of a sent contract for whom the initiator has still to vouch, or once more: the code
        was tried too often, or has run out. Raises :class:`AuthorityError`."""
        if contract.state is not ContractState.SENT:
            return ()
        waiting = (each for each in contract.parties if each.state is PartyState.WAITING)
        vouched = (each for each in waiting if each.method is SigningMethod.VOUCHED)
        return tuple(each for each in vouched if _is_lacking(self._known(each.subject)))

    def open(self, contract_id: str, *, by: str, party_id: str | None = None) -> OfficerIntent:
        """What the initiator (*by*) activates: for all that are lacking, or for a party alone, whose code it
        replaces. Raises :class:`PreconditionRefused` for anybody else, and when there is nobody to vouch for."""
        now = self._now()
        with self._database.reading() as tx:
            contract = self._of_initiator(tx, contract_id, by)
        asked = self.lacking(contract) if party_id is None else (contract.require_party(party_id),)
        asked = tuple(each for each in asked if each.method is SigningMethod.VOUCHED)
        if not asked:
            raise PreconditionRefused("There is nobody in “{title}” to vouch for.", title=contract.title)
        with self._database.transaction() as tx:
            contract = self._of_initiator(tx, contract_id, by)
            signers = [_signer(tx, each) for each in asked]
            for each in asked:
                vouchings.ask(tx, Vouching(each.subject, contract.id, each.id, now))
        title = visible(contract.title) or contract.id
        details = {"contract": contract.id, "title": title, "signers": [asdict(each) for each in signers]}
        return OfficerIntent(VOUCH, details, (now + _LASTS).replace(microsecond=0), secrets.token_bytes(16))

    def collect(self, contract_id: str) -> None:
        """Records for whom somebody has vouched, as the authority says, and whom it has certified."""
        for each in self._database.query(vouchings.of_contract, contract_id):
            self.collect_of(each.person)

    def collect_of(self, subject: str) -> None:
        """The same of one person; nothing for somebody for whom nobody was asked to vouch."""
        before, known = self._database.query(vouchings.of_person, subject), self._known(subject)
        if before is None or known is None or before.certified is not None:
            return
        with self._database.transaction() as tx:
            if vouchings.done(tx, subject, known.vouched_by, known.vouched):
                self._append(tx, EventKind.GUEST_VOUCHED, known, known.vouched_by, {})
        if known.registered:
            self._certify(known)

    def end(self, subject: str, *, unsigned: bool) -> None:
        """Ends code and key of *subject*, for whom somebody may have vouched. Raises :class:`AuthorityError`."""
        if self._known(subject) is not None:
            self._authority.end_vouching(subject, unsigned)
        self._database.commit(vouchings.end, subject, self._now())

    def run(self) -> None:
        """Records what nobody has come back to tell, and ends what belongs to contracts that have ended: what was
        not completed leaves no valid certificate."""
        for each in self._database.query(vouchings.to_collect, _MOST_AT_ONCE):
            self.collect_of(each.person)
        for each in self._database.query(vouchings.to_end, _MOST_AT_ONCE):
            contract = self._database.query(contracts.load_contract, each.contract)
            self.collect_of(each.person)
            complete = contract.state in (ContractState.COMPLETED, ContractState.VOIDED)
            self.end(each.person, unsigned=not complete)

    def _certify(self, known: KnownVouching) -> None:
        made = self._authority.vouching_statement(known.subject)
        certificate = self._authority.certificate(known.subject)
        cms, _ = self._timestamps.stamp(made.cms)
        at = moment_in(canonical.decode(made.statement)["registered"])
        digest = hashlib.sha256(made.statement).hexdigest()
        with self._database.transaction() as tx:
            if vouchings.certify(tx, known.subject, made.statement, cms, at):
                people.set_certificate(tx, known.subject, certificate)
                self._append(tx, EventKind.GUEST_CERTIFIED, known, known.subject, {"statement": digest})

    def _append(
        self, tx: Transaction, kind: EventKind, known: KnownVouching, by: str, more: dict[str, Field]
    ) -> None:
        public: dict[str, Field] = {"party": known.party, "person": known.subject, "by": known.vouched_by, **more}
        append_event(tx, AuditEvent(kind, self._now(), by, known.contract, public))

    def _known(self, subject: str) -> KnownVouching | None:
        try:
            return self._authority.vouching(subject)
        except UnknownKey:
            return None

    def _of_initiator(self, tx: Transaction, contract_id: str, by: str) -> Contract:
        require_person()
        contract = admit(tx, Command(contract_id, Permission.READ, by, self._now()))
        if contract.initiator != by:
            raise PreconditionRefused(
                "Only the initiator of “{title}” vouches for its signers.", title=contract.title
            )
        rules.require_state(contract, ContractState.SENT)
        return contract


def _is_lacking(known: KnownVouching | None) -> bool:
    return known is None or (not known.registered and not known.tries_left)


def _signer(tx: Transaction, party: Party) -> VouchedSigner:
    person = people.person(tx, party.subject)
    channel = f"{party.phone} · {person.email}" if party.phone else person.email
    return VouchedSigner(
        subject=party.subject,
        name=visible(person.name) or person.name,
        organisation=person.organisation,
        party=party.id,
        channel=visible(channel) or channel,
    )
