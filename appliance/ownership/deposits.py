"""Deposits: a digest is timestamped, the certificate that says so is typeset and sealed, and all of it is recorded
in one commit.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from appliance.acting_client import acting_client
from appliance.contracts.dependencies import ContractRecords, SigningBackend
from appliance.errors import LedgerDamaged, NotFound, PreconditionRefused, ResultRefused
from appliance.language import Language
from appliance.ledger.audit_trail import AuditEvent, EventKind, Field, append_event
from appliance.model.deposits import Deposit, DepositedFile, readable_name
from appliance.model.notice import Notice, NoticeKind
from appliance.model.people import Person
from appliance.ownership.certificate import CertificateFacts, certificate_pdfs
from appliance.ownership.declaration import load_declaration
from appliance.ownership.manifest import digest_of, encode_manifest, is_digest
from appliance.ownership.orders import DepositOrder, accepted, split
from appliance.pdf.values import ValidationMaterial
from appliance.store import api_clients, outbox, ownership, people
from appliance.store.database import Transaction
from appliance.verification import Indication
from hsm.rows import fields_of
from hsm.timestamp import parse_token, response_granted

SHOWN: Final = 50
"""Deposits on a page of somebody's list."""

MOST_FOUND: Final = 100
"""Deposits that are told of one digest, the oldest: those of an empty file, say, are in everybody's."""


@dataclass(frozen=True, slots=True)
class CertificateIssuer:
    """Who issues certificates: the house's ``name``, the portal's ``address``, and how the enterprise calls them
    in each language (``headings``), empty for the usual name."""

    name: str
    address: str
    headings: Mapping[Language, str]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An order that was accepted, under its number; ``known`` is the deposit that there is of it already,
    ``version`` counts from 1."""

    number: str
    order: DepositOrder
    version: int
    known: Deposit | None

    @property
    def digest(self) -> str:
        return digest_of(self.order.files)


@dataclass(frozen=True, slots=True)
class _Made:
    """A deposit that is about to be recorded; ``entry`` is not known yet."""

    wanted: _Wanted
    facts: CertificateFacts
    token: bytes
    certificate: str


class Ownership:
    """The files themselves never come here, their digests are enough. Thread-safe."""

    def __init__(self, records: ContractRecords, backend: SigningBackend, issuer: CertificateIssuer) -> None:
        self._records = records
        self._backend = backend
        self._issuer = issuer

    def deposit(self, order: DepositOrder, *, by: str, number: str | None = None) -> Deposit:
        """The deposit of *by* (a person's subject), under the *number* (24 hex digits) that the caller chose, if
        it did; for what they have deposited with the same data before, the deposit that is there.

        Raises :class:`PreconditionRefused` for an order that says too little or too much, or differs from what is
        there; :class:`hsm.errors.TimeNotAvailable` while nothing can be dated. Until the last step nothing is
        recorded but the timestamp, which says nothing about anybody.
        """
        [made] = self._deposit([order], by, number)
        return made

    def deposit_each(self, order: DepositOrder, *, by: str) -> list[Deposit]:
        """Each file of *order* as a deposit of its own with the same data: all of them or none. Raises as
        :meth:`deposit`."""
        return self._deposit(split(order), by, None)

    def get(self, deposit_id: str, *, by: str) -> Deposit:
        """The deposit of *by*, or with a declaration that was made in their name. Raises :class:`NotFound`, also
        for somebody else's."""
        deposit = self._records.database.query(ownership.load_deposit, deposit_id)
        if by not in (deposit.depositor, deposit.declared.declarer if deposit.declared else None):
            raise _missing(deposit_id)
        return deposit

    def of_client(self, deposit_id: str) -> Deposit:
        """The deposit, if it was made by somebody of the organisations of the API client that acts. Raises
        :class:`NotFound`."""
        reach = acting_client()
        deposit = self._records.database.query(ownership.load_deposit, deposit_id)
        if reach is None or deposit.organisation not in reach.organisations:
            raise _missing(deposit_id)
        return deposit

    def page_of_client(self, *, after: str, limit: int) -> list[Deposit]:
        """At most *limit* deposits that :meth:`of_client` gives, the newest first, those from before the deposit
        *after*. Raises :class:`NotFound` for an *after* that it does not give."""
        reach = acting_client()
        before = self.of_client(after).entry if after else ownership.LAST
        organisations = frozenset[str]() if reach is None else reach.organisations
        return self._records.database.query(ownership.within, organisations, limit=limit, before=before)

    def of_person(self, subject: str, *, after: str = "", limit: int = SHOWN) -> list[Deposit]:
        """The person's newest deposits, those from before the deposit *after*. Raises :class:`NotFound` for an
        *after* that is none of theirs."""
        before = self.get(after, by=subject).entry if after else ownership.LAST
        return self._records.database.query(ownership.of_person, subject, limit=limit, before=before)

    def of_digest(self, digest: str) -> list[Deposit]:
        """The deposits of a file, or a manifest, with this digest, the oldest first; who deposited is not for
        everybody."""
        if not is_digest(digest):
            return []
        return self._records.database.query(ownership.of_digest, digest, limit=MOST_FOUND)

    def files(self, deposit: Deposit, *, limit: int = -1) -> list[DepositedFile]:
        """The first *limit* files of the deposit, in the manifest's order; all of them without a limit."""
        return self._records.database.query(ownership.files_of, deposit.id, limit=limit)

    def versions(self, deposit: Deposit) -> list[Deposit]:
        """All versions in the chain of the deposit, the oldest first."""
        return self._records.database.query(ownership.versions, deposit.id)

    def successor(self, deposit: Deposit) -> Deposit | None:
        """The next version of the deposit, if there is one."""
        return self._records.database.query(ownership.successor, deposit.id)

    def manifest(self, deposit: Deposit) -> bytes:
        """The manifest (canonical JSON), whose digest was timestamped.

        Raises :class:`NotFound` for a deposit of one file, whose own digest was, and :class:`LedgerDamaged` when
        what is stored does not have that digest."""
        if not deposit.has_manifest:
            raise NotFound("A deposit of one file has no manifest: the file's own digest was timestamped.")
        files = self.files(deposit)
        if digest_of(files) != deposit.digest:
            raise LedgerDamaged(
                "The files of the deposit {deposit} are not those that were recorded.", deposit=deposit.id
            )
        return encode_manifest(files)

    def certificate(self, deposit: Deposit) -> bytes:
        return self._backend.blobs.get(deposit.certificate)

    def reply(self, deposit: Deposit) -> bytes:
        """The timestamp as a reply (DER TimeStampResp), as ``openssl ts -verify -in`` reads it."""
        return response_granted(deposit.token)

    def _deposit(self, orders: Sequence[DepositOrder], by: str, number: str | None) -> list[Deposit]:
        """1. What is ordered is checked, and looked up. 2. What is not there yet is dated, 3. gets its
        certificate, and 4. is recorded, all in one transaction."""
        reach = acting_client()
        with self._records.database.reading() as tx:
            person = people.person(tx, by)
            today = self._records.now().astimezone(ZoneInfo(person.zone)).date()
            declarers = [_declarer(tx, each, person, by_program=reach is not None) for each in orders]
            wanted = [_wanted(tx, each, person, today, number or secrets.token_hex(12)) for each in orders]
            client = "" if reach is None else api_clients.load_client(tx, reach.client).name
        missing = [each for each in wanted if each.known is None]
        names = dict(zip([each.number for each in wanted], declarers, strict=True))
        facts = [self._dated(each, person, (client, names[each.number])) for each in missing]
        certificates = self._certificates([each for each, _ in facts], person.language) if facts else []
        made = [
            _Made(one, about, token, certificate)
            for one, (about, token), certificate in zip(missing, facts, certificates, strict=True)
        ]
        with self._records.database.transaction() as tx:
            recorded = {each.wanted.number: _record(tx, each, person) for each in made}
        return [each.known or recorded[each.number] for each in wanted]

    def _dated(
        self, wanted: _Wanted, person: Person, handed_in: tuple[str, str]
    ) -> tuple[CertificateFacts, bytes]:
        """*handed_in*: the names of the program, and of who has declared what it hands in; empty without one."""
        order = wanted.order
        token = self._backend.timestamps.issue_token(bytes.fromhex(wanted.digest))
        info = parse_token(token)
        facts = CertificateFacts(
            number=wanted.number,
            **fields_of(order, "title work files predecessor"),
            depositor=person.name,
            organisation=person.organisation,
            at=info.gen_time,
            zone=person.zone,
            serial=f"{info.serial:x}",
            reply=response_granted(token),
            issuer=self._issuer.name,
            address=self._issuer.address.rstrip("/"),
            version=wanted.version,
            client=handed_in[0],
            declarer=handed_in[1],
            obtained=None if order.declared is None else order.declared.obtained,
            heading=self._issuer.headings[person.language],
        )
        return facts, token

    def _certificates(self, facts: Sequence[CertificateFacts], language: Language) -> list[str]:
        """The digests under which the sealed certificates are stored."""
        pages = certificate_pdfs(facts, language)
        fresh = self._backend.authority.issue_crl()
        crls = tuple(dict.fromkeys([*self._backend.authority.crls(), fresh]))
        certificates = tuple(
            dict.fromkeys([*self._backend.authority.authorities(), self._backend.authority.certificate("tsa")])
        )
        material = ValidationMaterial(certificates, crls)
        return [self._backend.blobs.put(self._sealed(each, material)) for each in pages]

    def _sealed(self, document: bytes, material: ValidationMaterial) -> bytes:
        """*document* with a document timestamp and what proves it (DSS), passed by the verifier for strangers."""
        prepared = self._backend.workshop.prepare_archive(document, material)
        sealed = self._backend.workshop.embed(prepared, self._backend.timestamps.issue_token(prepared.digest))
        report = self._backend.verifier.verify_pdf(sealed)
        if report.indication is not Indication.PASSED:
            raise ResultRefused(
                "The certificate does not pass our own verifier ({why}); nothing was deposited.",
                why="; ".join(report.reasons),
            )
        return sealed


def _missing(deposit_id: str) -> NotFound:
    return NotFound("There is no deposit {deposit}.", deposit=deposit_id)


def _declarer(tx: Transaction, order: DepositOrder, person: Person, *, by_program: bool) -> str:
    """The name of who has declared what a program hands in, a colleague of the depositor *person*, or that person;
    empty for what is not handed in by one. Raises :class:`PreconditionRefused`."""
    if (order.declared is not None) is not by_program:
        raise PreconditionRefused(
            "A program says who has made the declaration, and when it was obtained; nobody else does."
        )
    if order.declared is None:
        return ""
    found = people.person(tx, order.declared.declarer)
    if found.organisation != person.organisation or not people.is_active(tx, found.subject):
        raise PreconditionRefused(
            "{name} cannot have declared it: whoever does is of the depositor's organisation, with an active"
            " account.",
            name=found.name,
        )
    return found.name


def _wanted(tx: Transaction, order: DepositOrder, person: Person, today: date, number: str) -> _Wanted:
    """*order* as it is recorded. Raises :class:`PreconditionRefused`."""
    order = accepted(order, person, today)
    known = ownership.same(tx, person.subject, digest_of(order.files), order.predecessor)
    if known is not None:
        _require_same(tx, known, order, person)
        return _Wanted(number, order, 1, known)
    version = 1 if order.predecessor is None else _place(tx, order.predecessor, person)
    return _Wanted(number, order, version, None)


def _require_same(tx: Transaction, known: Deposit, order: DepositOrder, person: Person) -> None:
    """Nothing of what somebody says is dropped for what is there already; a single file's digest says nothing of
    its name and size, and may be that of a manifest."""
    files = ownership.files_of(tx, known.id)
    if (known.title, known.work, tuple(files)) != (order.title, order.work, order.files):
        raise PreconditionRefused(
            "You have deposited exactly this on {day} as “{title}”. To say something else of it, deposit it as the"
            " next version of that deposit.",
            day=known.at.astimezone(ZoneInfo(person.zone)).date().isoformat(),
            title=known.title,
        )


def _place(tx: Transaction, predecessor: str, person: Person) -> int:
    """The place in its chain of what follows the deposit *predecessor*, from 1."""
    try:
        before = ownership.load_deposit(tx, predecessor)
    except NotFound:
        before = None
    if before is None or before.depositor != person.subject:
        raise PreconditionRefused(
            "There is no deposit {deposit} of yours that this could be the next version of.",
            deposit=predecessor[:40],
        )
    if ownership.successor(tx, predecessor) is not None:
        raise PreconditionRefused(
            "“{title}” has a newer version already; deposit this one after the newest version.", title=before.title
        )
    return len(ownership.versions(tx, predecessor)) + 1


def _record(tx: Transaction, made: _Made, person: Person) -> Deposit:
    order = made.wanted.order
    known = ownership.same(tx, person.subject, made.wanted.digest, order.predecessor)
    if known is not None:  # sent twice at the same moment: the first one stands
        _require_same(tx, known, order, person)
        return known
    reach = acting_client()
    deposit = Deposit(
        id=made.facts.number,
        depositor=person.subject,
        organisation=person.organisation,
        title=order.title,
        digest=made.wanted.digest,
        files=len(order.files),
        size=made.facts.size,
        at=made.facts.at,
        token=made.token,
        certificate=made.certificate,
        entry=append_event(tx, _event(made, person)),
        predecessor=order.predecessor,
        client=None if reach is None else reach.client,
        work=order.work,
        declared=order.declared,
    )
    ownership.insert_deposit(tx, deposit, order.files)
    if order.declared is not None:
        for each in dict.fromkeys((order.declared.declarer, person.subject)):
            outbox.enqueue(tx, Notice(None, each, NoticeKind.DEPOSIT_DECLARED, deposit.at, deposit.id))
    return ownership.load_deposit(tx, deposit.id)


def _event(made: _Made, person: Person) -> AuditEvent:
    """What the log says of it: numbers and digests in public, what is said of the work as commitments."""
    facts, work = made.facts, made.wanted.order.work
    public: dict[str, Field] = {
        "deposit": facts.number,
        "digest": facts.digest,
        "files": len(facts.files),
        "certificate": made.certificate,
        "serial": facts.serial,
        "declaration": load_declaration(work.declaration).digest,
    }
    if facts.predecessor is not None:
        public["predecessor"] = facts.predecessor
    if made.wanted.order.declared is not None:
        declared = made.wanted.order.declared
        public |= {"declarer": declared.declarer, "obtained": declared.obtained.isoformat()}
    private: dict[str, Field] = {
        "title": facts.title,
        "name": facts.depositor,
        "file": (readable_name(facts.files[0].name) or None) if len(facts.files) == 1 else None,
        "holder": work.holder.name,
        "holder_kind": work.holder.kind.value,
        "kind": work.kind.value,
        "creation": work.creation.value,
        "completed": None if work.completed is None else work.completed.isoformat(),
        "description": work.description or None,
    }
    return AuditEvent(EventKind.OWNERSHIP_DEPOSITED, facts.at, person.subject, None, public, private)
