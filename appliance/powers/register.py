"""The register of powers: registering with the instrument, what officers confirm, and what ends a power.

Officers confirm at the authority (:mod:`appliance.office.decisions`), whose statement is kept here. Ending
takes less. A power ends when its agent leaves or its instrument is declared void, in the same transaction.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from appliance.acting_client import acting_client
from appliance.documents.blobs import BlobStore
from appliance.documents.intake import Intake
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import NOBODY, AuditEvent, EventKind, Field, append_event
from appliance.ledger.disclosure import Audience, belongs, spellings
from appliance.model.accounts import AccountRole
from appliance.model.api_clients import require_person
from appliance.model.contract import GUEST_PREFIX, Contract, ContractRevision, ContractState, PartyState
from appliance.model.powers import Power, PowerBasis, PowerScope, PowerState, RecordedAction, StatedPower
from appliance.policy import Policy
from appliance.store import accounts, contracts, partners, people, powers
from appliance.store.database import Database, Transaction, reads
from hsm.intents import instant
from hsm.names import LONGEST_ORGANISATION, is_visible, same_name
from hsm.rows import fields_of

PAGE = 50

_KEEP_THE_REGISTER: Final = frozenset({AccountRole.REVIEWER, AccountRole.OFFICER})
"""Whose work the register is: they name contracts of their organisation that they do not read otherwise."""


class Powers:
    """Thread-safe. Every act is a log entry, and counts from the moment of its commit: the signing steps read the
    register in their own transactions."""

    def __init__(
        self,
        database: Database,
        blobs: BlobStore,
        intake: Intake,
        policy: Policy,
        now: Callable[[], datetime],
        require_reader: Callable[[Transaction, str, str, datetime], object],
    ) -> None:
        """*require_reader* raises :class:`NotFound` unless a person (subject) may read a contract (id) then."""
        self._database = database
        self._blobs = blobs
        self._intake = intake
        self._policy = policy
        self._now = now
        self._require_reader = require_reader

    def register(self, draft: PowerDraft, letter: bytes | None, *, by: str, as_power: str | None = None) -> Power:
        """A power that waits to be verified; *letter* is its PDF, None when it was signed here as a contract.
        *as_power* is its id where the caller has chosen one (:func:`power_id`).

        Raises :class:`DocumentRefused`, or :class:`PreconditionRefused` for what no power can be, and for whom the
        API client that acts does not work.
        """
        draft, now, reach = tidy(draft), self._now(), acting_client()
        with self._database.reading() as tx:  # before the work of reading the instrument
            if reach is not None:
                accounts.require_own_initiator(tx, by, reach.organisations)
            require_of_own_company(tx, draft, by)
            require_possible(tx, draft, self._policy, now)
        document, size = self._document(draft, letter, by)
        with self._database.transaction() as tx:
            require_possible(tx, draft, self._policy, now)
            if draft.contract is not None:  # by now it may be void
                require_instrument(self._instrument(tx, draft.contract, by), draft)
            power = Power(
                id=as_power or power_id(secrets.token_hex(6)),
                **fields_of(draft, "basis grantor principal agent scope since until replaces contract"),
                document=document,
                size=size,
                registered=RecordedAction(by, now),
            )
            powers.insert_power(tx, power)
            _record_event(tx, EventKind.POWER_REGISTERED, power, power.registered, _terms(power), _names(power))
            return powers.load_power(tx, power.id)

    def refuse(self, power_id: str, *, reason: str, by: str) -> Power:
        """*by* does not vouch for it. Raises :class:`PreconditionRefused` for who registered it and for the
        agent."""
        require_person()
        done = RecordedAction(by, self._now(), _reason(reason))
        with self._database.transaction() as tx:
            power = of_another(tx, power_id, by)
            powers.refuse(tx, power_id, done)
            _record_event(tx, EventKind.POWER_REFUSED, power, done, {}, {"reason": done.reason})
            return powers.load_power(tx, power_id)

    def revoke(self, power_id: str, *, reason: str, by: str) -> Power:
        """It counts no longer, at once: also for signatures that are under way. Raises :class:`StateRefused`."""
        require_person()
        done = RecordedAction(by, self._now(), _reason(reason))
        with self._database.transaction() as tx:
            _revoke(tx, powers.load_power(tx, power_id), done)
            return powers.load_power(tx, power_id)

    get = reads(powers.load_power)

    def page(self, audience: Audience, *, before: str = "") -> list[Power]:
        """At most :data:`PAGE` powers that *audience* registered, the newest first, those from before *before*."""
        with self._database.reading() as tx:
            return powers.newest(tx, spellings(tx, audience), limit=PAGE, before=before)

    def of_client(self, power_id: str) -> Power:
        """The power, if it is in the register of the organisations of the API client that acts. Raises
        :class:`NotFound`."""
        reach = acting_client()
        with self._database.reading() as tx:
            power = powers.load_power(tx, power_id)
            if reach is None or not powers.registered_within(tx, power_id, sorted(reach.organisations)):
                raise NotFound("There is no power of attorney {power}.", power=power_id)
        return power

    def page_of_client(self, *, after: str, limit: int) -> list[Power]:
        """At most *limit* powers that :meth:`of_client` gives, the newest first, those from before the power
        *after*. Raises :class:`NotFound` for an *after* that it does not give."""
        reach = acting_client()
        if after:
            self.of_client(after)
        organisations = [] if reach is None else sorted(reach.organisations)
        return self._database.query(powers.newest, organisations, limit=limit, before=after)

    def waiting(self, audience: Audience) -> list[Power]:
        """What *audience* registered and waits for its verification, the oldest first."""
        with self._database.reading() as tx:
            return powers.waiting(tx, spellings(tx, audience))

    of_agent = reads(powers.of_agent)

    def of_partner(self, partner_id: str) -> list[Power]:
        """At most :data:`PAGE` powers of representatives of the partner organisation, the newest first."""
        with self._database.reading() as tx:
            return powers.of_partner(tx, partner_id, limit=PAGE)

    def is_of(self, power: Power, audience: Audience) -> bool:
        """Whether *power* was registered by *audience*, or by representatives of a partner organisation that
        *audience* has registered: the register of *audience* has it."""
        with self._database.reading() as tx:
            by = power.registered.by
            partner = partners.partner_of(tx, by)
            house = None if partner is None else partners.load_partner(tx, partner).registered_by
            return belongs(tx, by, audience) or (house is not None and belongs(tx, house, audience))

    def letter(self, power: Power) -> bytes:
        """The letter's PDF, as it was registered."""
        return self._blobs.get(power.document)

    def _document(self, draft: PowerDraft, letter: bytes | None, by: str) -> tuple[str, int]:
        if draft.basis is not PowerBasis.CONTRACT:
            if letter is None:
                raise PreconditionRefused("A power needs its document; choose the letter as a PDF file.")
            accepted = self._intake.accept(letter)
            return accepted.digest, accepted.size
        current = self._signed_here(draft, by)
        return current.digest, current.size

    def _signed_here(self, draft: PowerDraft, by: str) -> ContractRevision:
        if not draft.contract:
            raise PreconditionRefused("Name the contract by which the letter was signed here.")
        contract = self._database.query(self._instrument, draft.contract, by)
        require_instrument(contract, draft)
        return contract.current

    def _instrument(self, tx: Transaction, contract_id: str, by: str) -> Contract:
        """The contract that *by* names as a letter, whose readers it gets with the power. Raises :class:`NotFound`
        for one that nobody of the organisation of *by* drafted or signs, and for one that *by*, who neither
        reviews nor registers people, may not read."""
        contract, audience = contracts.load_contract(tx, contract_id), Audience.of_person(people.person(tx, by))
        concerned = {contract.initiator, *(each.subject for each in contract.parties)}
        if not any(belongs(tx, each, audience) for each in concerned):
            raise NotFound("There is no contract {contract}.", contract=contract_id)
        account = accounts.find_account(tx, by)
        if account is not None and not account.roles & _KEEP_THE_REGISTER:
            self._require_reader(tx, contract_id, by, self._now())
        return contract

    def stated(self, power: Power) -> StatedPower | None:
        """What the authority states of its confirmation; None where it was verified before statements began."""
        return self._database.query(powers.stated_power, power.id)


def power_id(digits: str) -> str:
    """The id of a power with these hex *digits*, the first 12 of which count."""
    return f"power-{digits[:12]}"


def of_another(tx: Transaction, power_id: str, by: str) -> Power:
    """The power, about which *by* may decide. Raises :class:`PreconditionRefused` for who registered it and for
    the agent."""
    power = powers.load_power(tx, power_id)
    if by == power.registered.by:
        raise PreconditionRefused("You have registered this power yourself; another person verifies it.")
    if by == power.agent:
        raise PreconditionRefused("This power is for you; another person verifies it.")
    return power


def terms_of(power: Power) -> dict[str, Any]:
    """What *power* says, but for its limit, in plain values."""
    return fields_of(power, "agent grantor principal") | {
        "basis": power.basis.value,
        "kinds": list(power.scope.kinds),
        "counterparties": list(power.scope.counterparties),
        "seals": list(power.scope.seals),
        "letter": power.document,
        "since": instant(power.since),
        "until": instant(power.until),
    }


def arguments(power: Power) -> dict[str, Any]:
    """*power* as officers confirm it at the authority: the arguments of their intent, besides its number."""
    most = power.scope.limit
    limit = {} if most is None else {"limit": most.minor, "currency": most.currency}
    return terms_of(power) | {"replaces": int(power.replaces), "registered_by": power.registered.by, **limit}


def require_waiting(tx: Transaction, power_id: str, confirmed: Mapping[str, Any]) -> Power:
    """The power, when it waits to be verified and is what officers are asked to confirm, or have *confirmed*.

    Raises :class:`StateRefused` when it has been decided on, or says something else.
    """
    power = powers.load_power(tx, power_id)
    if power.state is not PowerState.REGISTERED:
        raise StateRefused("This power of attorney has been decided on already; look at what became of it.")
    if arguments(power) != {name: value for name, value in confirmed.items() if name != "subject"}:
        raise StateRefused("The entry of this power of attorney has changed since it was shown; open it again.")
    return power


def confirm(
    tx: Transaction,
    power_id: str,
    stated: StatedPower,
    done: RecordedAction,
    confirmed: Mapping[str, Any],
    **more: Field,
) -> None:
    """Officers have confirmed the power at the authority, which has *stated* so: from now on it counts. *more*
    goes into the log's entry. Raises as :func:`require_waiting`."""
    power = require_waiting(tx, power_id, confirmed)
    powers.verify(tx, power_id, done, stated)
    digest = hashlib.sha256(stated.statement).hexdigest()
    public: dict[str, Field] = {"digest": power.document, "statement": digest, **more}
    _record_event(tx, EventKind.POWER_VERIFIED, power, done, public, {})


def _terms(power: Power) -> dict[str, Field]:
    return {
        "basis": power.basis.value,
        "digest": power.document,
        "since": instant(power.since),
        "until": instant(power.until),
        "replaces": int(power.replaces),
        "letter": power.contract,
    }


def _names(power: Power) -> dict[str, Field]:
    scope = power.scope
    return {
        "grantor": power.grantor,
        "principal": power.principal,
        "kinds": "、".join(scope.kinds),
        "counterparties": "、".join(scope.counterparties),
        "limit": None if scope.limit is None else str(scope.limit),
        "seals": " ".join(scope.seals),
    }


def _reason(text: str) -> str:
    reason = " ".join(text.split())
    if not reason:
        raise PreconditionRefused("Say why, in a few words; everybody concerned reads it.")
    if len(reason) > LONGEST_REASON:
        raise PreconditionRefused("At most {most} characters.", most=LONGEST_REASON)
    return reason


MOST_NAMES: Final = 50
LONGEST_REASON: Final = 500


@dataclass(frozen=True, slots=True)
class PowerDraft:
    """What an instrument says, as who registers it reads it. ``contract``: the instrument was signed here as this
    contract; without it, it comes as a document. See :class:`Power` for the rest."""

    basis: PowerBasis
    grantor: str
    principal: str
    agent: str
    scope: PowerScope
    since: datetime
    until: datetime
    replaces: bool = False
    contract: str | None = None


def tidy(draft: PowerDraft) -> PowerDraft:
    """*draft* without stray blanks and doubled names; a legal representative's has no scope."""
    scope = PowerScope() if draft.basis is PowerBasis.LEGAL_REPRESENTATIVE else draft.scope
    by_law = draft.basis is PowerBasis.LEGAL_REPRESENTATIVE
    return replace(
        draft,
        grantor=_line(draft.grantor),
        principal=_line(draft.principal),
        scope=replace(
            scope, kinds=_distinct_lines(scope.kinds), counterparties=_distinct_lines(scope.counterparties)
        ),
        replaces=draft.replaces and not by_law,
        contract=draft.contract if draft.basis is PowerBasis.CONTRACT else None,
    )


def require_possible(tx: Transaction, draft: PowerDraft, policy: Policy, now: datetime) -> None:
    """Raises :class:`PreconditionRefused` naming what is wrong, :class:`NotFound` for an unknown agent or seal."""
    if not draft.grantor or not draft.principal:
        raise PreconditionRefused("Name the grantor, and who signed the letter for it.")
    names = (draft.grantor, draft.principal, *draft.scope.kinds, *draft.scope.counterparties)
    if max(map(len, names)) > LONGEST_ORGANISATION:
        raise PreconditionRefused(
            "The name is too long; {most} characters are possible.", most=LONGEST_ORGANISATION
        )
    if not all(map(is_visible, names)):
        raise PreconditionRefused("A name in this power has characters that cannot be seen; type it anew.")
    if max(len(draft.scope.kinds), len(draft.scope.counterparties)) > MOST_NAMES:
        raise PreconditionRefused("A power names at most {most} types and counterparties.", most=MOST_NAMES)
    _require_term(draft, policy, now)
    agent = people.person(tx, draft.agent)
    if not agent.subject.startswith("person-"):
        raise PreconditionRefused("{name} cannot sign contracts.", name=agent.name)
    for seal in draft.scope.seals:
        if not same_name(people.seal(tx, seal).organisation, draft.grantor):
            raise PreconditionRefused(
                "The seal {seal} is not one of {organisation}.", seal=seal, organisation=draft.grantor
            )


def require_of_own_company(tx: Transaction, draft: PowerDraft, by: str) -> None:
    """People from outside register letters of their own partner organisation for its representatives, and nothing
    else. Raises :class:`NotFound` for other agents, and :class:`PreconditionRefused`."""
    if not by.startswith(GUEST_PREFIX):
        return
    partner = partners.partner_of(tx, by)
    if partner is None or partners.partner_of(tx, draft.agent) != partner:
        raise NotFound("There is no person {subject}.", subject=draft.agent)
    own = partners.load_partner(tx, partner).name
    if not same_name(own, draft.grantor):
        raise PreconditionRefused("The grantor is your own company, {organisation}.", organisation=own)
    if draft.basis is PowerBasis.CONTRACT:
        raise PreconditionRefused("Upload the letter as a PDF file.")


def _require_term(draft: PowerDraft, policy: Policy, now: datetime) -> None:
    longest = policy.default.powers.longest_days
    if draft.until <= draft.since:
        raise PreconditionRefused("A power ends after it begins; check the two days.")
    if draft.until <= now:
        raise PreconditionRefused("This power has ended already; there is nothing to register.")
    if draft.until - draft.since > timedelta(days=longest):
        raise PreconditionRefused("The longest term of a power that policy allows, in days: {most}.", most=longest)


def require_instrument(contract: Contract, draft: PowerDraft) -> None:
    """*contract* is an instrument of the grantor: completed, and signed for it by somebody other than the agent.

    Raises :class:`PreconditionRefused` otherwise.
    """
    if contract.state is not ContractState.COMPLETED:
        raise PreconditionRefused("“{title}” is not completed, so it grants nothing yet.", title=contract.title)
    signed = any(
        party.state is PartyState.SIGNED
        and party.subject != draft.agent
        and same_name(party.organisation or party.name, draft.grantor)
        for party in contract.parties
    )
    if not signed:
        raise PreconditionRefused(
            "“{title}” is not signed for {organisation} by anybody but the agent.",
            title=contract.title,
            organisation=draft.grantor,
        )


def _distinct_lines(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line for name in names if (line := _line(name))))


def _line(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


LEFT = "被授权人已离职 / The agent has left"
"""The reason as it is kept with the power, in both languages: it is a record, not a sentence of a page."""


def end_of_agent(tx: Transaction, agent: str, *, by: str, now: datetime) -> int:
    """Revokes every power of *agent* that was not refused or revoked before, verified or not; how many.

    Where no person has decided it (*by* is one of :data:`NOBODY`), the register names the agent, who has left; the
    log names the actor."""
    current = [each for each in powers.of_agent(tx, agent) if each.refused is None and each.revoked is None]
    for power in current:
        _revoke(tx, power, RecordedAction(agent if by in NOBODY else by, now, LEFT), actor=by)
    return len(current)


VOID: Final = "The contract that is the letter of this power was declared void."
"""Kept with the power as the reason; translated when it is shown."""


def end_with_instrument(tx: Transaction, contract_id: str, *, by: str, at: datetime) -> None:
    """Revokes every power that rests on the contract, in the transaction that voids it."""
    for power in powers.of_letter(tx, contract_id):
        _revoke(tx, power, RecordedAction(by, at, VOID), letter=contract_id)


def _revoke(tx: Transaction, power: Power, done: RecordedAction, *, actor: str = "", **more: Field) -> None:
    powers.revoke(tx, power.id, done)
    by_actor = replace(done, by=actor or done.by)
    _record_event(tx, EventKind.POWER_REVOKED, power, by_actor, more, {"reason": done.reason})


def _record_event(
    tx: Transaction,
    kind: EventKind,
    power: Power,
    done: RecordedAction,
    public: Mapping[str, Field],
    private: Mapping[str, Field],
) -> None:
    known = {"power": power.id, "agent": power.agent, **public}
    powers.link(tx, power.id, append_event(tx, AuditEvent(kind, done.at, done.by, None, known, private)))
