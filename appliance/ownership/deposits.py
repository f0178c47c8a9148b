"""Deposits: a digest is timestamped, and recorded in one commit. The certificate that says so is typeset and
sealed when somebody first asks for it, and stays as it was made."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from appliance.acting_client import acting_client
from appliance.contracts.dependencies import ContractRecords, SigningBackend
from appliance.contracts.finalisation import Archiving
from appliance.errors import LedgerDamaged, NotFound, PreconditionRefused, ResultRefused
from appliance.language import Language
from appliance.ledger.audit_trail import SYSTEM, AuditEvent, EventKind, Field, append_event
from appliance.model.deposits import Deposit, DepositedFile, readable_name
from appliance.model.notice import Notice, NoticeKind
from appliance.model.people import Person
from appliance.ownership.certificate import CertificateFacts, certificate_pdf, total_size
from appliance.ownership.declaration import load_declaration
from appliance.ownership.manifest import digest_of, encode_manifest, is_digest
from appliance.ownership.orders import DepositOrder, accepted
from appliance.store import api_clients, ledger, outbox, ownership, people
from appliance.store.database import Transaction
from appliance.verification import Indication
from hsm import canonical
from hsm.rows import fields_of
from hsm.timestamp import TimestampInfo, parse_token, response_granted

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


def _nothing(_tx: Transaction, _deposit: Deposit) -> None:
    """What else is recorded with a deposit, where nothing is."""


class Ownership:
    """The files themselves never come here, their digests are enough. Thread-safe."""

    def __init__(self, records: ContractRecords, backend: SigningBackend, issuer: CertificateIssuer) -> None:
        self._records = records
        self._backend = backend
        self._issuer = issuer

    def deposit(
        self,
        order: DepositOrder,
        *,
        by: str,
        number: str | None = None,
        also: Callable[[Transaction, Deposit], None] = _nothing,
        tell: bool = True,
    ) -> Deposit:
        """The deposit of *by* (a person's subject), under the *number* (24 hex digits) that the caller chose, if
        it did; for what they have deposited with the same data before, the deposit that is there. *also* is done
        in the same transaction. *tell*: whoever a program names is told.

        Raises :class:`PreconditionRefused` for an order that says too little or too much, or differs from what
        is there; :class:`hsm.errors.TimeNotAvailable` while nothing can be dated. Until the last step nothing is
        recorded but the timestamp, which says nothing about anybody."""
        with self._records.database.reading() as tx:
            person = people.person(tx, by)
            order, known = checked(tx, order, person, today_of(person, self._records.now()))
        if known is not None and also is _nothing:
            return known
        digest = digest_of(order.files)
        token = b"" if known is not None else self._backend.timestamps.issue_token(bytes.fromhex(digest))
        with self._records.database.transaction() as tx:
            if known is None:
                known = _record(tx, order, token, person, number or secrets.token_hex(12), tell=tell)
            also(tx, known)
        return known

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
        """The certificate (PDF), sealed by a document timestamp. It is made when it is first asked for, in the
        language that its depositor has then; from then on it is the same octets, whose digest is in the log.

        Raises :class:`ConfinementFailed`, :class:`ResultRefused`, and :class:`hsm.errors.TimeNotAvailable`."""
        digest = self._records.database.query(ownership.certificate_of, deposit.id)
        if digest is None:
            facts, language = self._records.database.query(self._facts, deposit)
            made = self._backend.blobs.put(self._sealed(certificate_pdf(facts, language)))
            digest = self._records.database.commit(_keep_certificate, deposit, made, self._records.now())
        return self._backend.blobs.get(digest)

    def reply(self, deposit: Deposit) -> bytes:
        """The timestamp as a reply (DER TimeStampResp), as ``openssl ts -verify -in`` reads it."""
        return response_granted(deposit.token)

    def _facts(self, tx: Transaction, deposit: Deposit) -> tuple[CertificateFacts, Language]:
        """What stands on the certificate of *deposit*, and in which language."""
        if deposit.work is None:
            raise NotFound("There is no certificate of the deposit {deposit}.", deposit=deposit.id)
        person = people.person(tx, deposit.depositor)
        before = [each.id for each in ownership.versions(tx, deposit.id)]
        declared = deposit.declared
        facts = CertificateFacts(
            number=deposit.id,
            **fields_of(deposit, "title work organisation at predecessor"),
            files=tuple(ownership.files_of(tx, deposit.id)),
            depositor=_name_then(tx, deposit) or person.name,
            zone=person.zone,
            serial=f"{parse_token(deposit.token).serial:x}",
            reply=response_granted(deposit.token),
            issuer=self._issuer.name,
            address=self._issuer.address.rstrip("/"),
            version=before.index(deposit.id) + 1,
            client="" if deposit.client is None else api_clients.load_client(tx, deposit.client).name,
            declarer="" if declared is None else people.person(tx, declared.declarer).name,
            obtained=None if declared is None else declared.obtained,
            heading=self._issuer.headings[person.language],
        )
        return facts, person.language

    def _sealed(self, document: bytes) -> bytes:
        """*document* with a document timestamp and what proves it (DSS), passed by the verifier for
        strangers."""
        archiving = Archiving(self._backend)
        sealed = archiving.extend(document, archiving.first_material(())).document
        report = self._backend.verifier.verify_pdf(sealed)
        if report.indication is not Indication.PASSED:
            raise ResultRefused(
                "The certificate does not pass our own verifier ({why}) and is not given out; the deposit stands.",
                why="; ".join(report.reasons),
            )
        return sealed


def _missing(deposit_id: str) -> NotFound:
    return NotFound("There is no deposit {deposit}.", deposit=deposit_id)


def today_of(person: Person, now: datetime) -> date:
    """The day where the *person* is."""
    return now.astimezone(ZoneInfo(person.zone)).date()


def require_declarer(tx: Transaction, order: DepositOrder, person: Person) -> None:
    """Whether a program hands in for the depositor *person*, and who has declared is they or a colleague. Raises
    :class:`PreconditionRefused`."""
    reach = acting_client()
    if reach is not None and person.organisation not in reach.organisations:
        raise PreconditionRefused("{name} is of no organisation for which this program works.", name=person.name)
    if (order.declared is None) is not (reach is None):
        raise PreconditionRefused(
            "A program says who has made the declaration, and when it was obtained; nobody else does."
        )
    if order.declared is None:
        return
    found = people.person(tx, order.declared.declarer)
    if found.organisation != person.organisation or not people.is_active(tx, found.subject):
        raise PreconditionRefused(
            "{name} cannot have declared it: whoever does is of the depositor's organisation, with an active"
            " account.",
            name=found.name,
        )


def checked(
    tx: Transaction, order: DepositOrder, person: Person, today: date
) -> tuple[DepositOrder, Deposit | None]:
    """*order* as it is recorded, and the deposit that there is of it already. Raises
    :class:`PreconditionRefused`."""
    require_declarer(tx, order, person)
    order = accepted(order, person, today)
    known = ownership.same(tx, person.subject, digest_of(order.files), order.predecessor)
    if known is not None:
        _require_same(tx, known, order, person)
    elif order.predecessor is not None:
        _require_followed(tx, order.predecessor, person)
    return order, known


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


def _require_followed(tx: Transaction, predecessor: str, person: Person) -> None:
    """Whether a deposit of *person* can follow the deposit *predecessor*."""
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


def _record(
    tx: Transaction, order: DepositOrder, token: bytes, person: Person, number: str, *, tell: bool
) -> Deposit:
    digest = digest_of(order.files)
    known = ownership.same(tx, person.subject, digest, order.predecessor)
    if known is not None:  # sent twice at the same moment: the first one stands
        _require_same(tx, known, order, person)
        return known
    reach, info = acting_client(), parse_token(token)
    deposit = Deposit(
        id=number,
        depositor=person.subject,
        organisation=person.organisation,
        title=order.title,
        digest=digest,
        files=len(order.files),
        size=total_size(order.files),
        at=info.gen_time,
        token=token,
        entry=append_event(tx, _event(order, person, number, info)),
        predecessor=order.predecessor,
        client=None if reach is None else reach.client,
        work=order.work,
        declared=order.declared,
    )
    ownership.insert_deposit(tx, deposit, order.files)
    if order.declared is not None and tell:
        for each in dict.fromkeys((order.declared.declarer, person.subject)):
            outbox.enqueue(tx, Notice(None, each, NoticeKind.DEPOSIT_DECLARED, deposit.at, deposit.id))
    return ownership.load_deposit(tx, deposit.id)


def _event(order: DepositOrder, person: Person, number: str, info: TimestampInfo) -> AuditEvent:
    """What the log says of it: numbers and digests in public, what is said of the work as commitments."""
    work = order.work
    public: dict[str, Field] = {
        "deposit": number,
        "digest": digest_of(order.files),
        "files": len(order.files),
        "serial": f"{info.serial:x}",
        "declaration": load_declaration(work.declaration).digest,
    }
    if order.predecessor is not None:
        public["predecessor"] = order.predecessor
    if order.declared is not None:
        public |= {"declarer": order.declared.declarer, "obtained": order.declared.obtained.isoformat()}
    private: dict[str, Field] = {
        "title": order.title,
        "name": person.name,
        "file": (readable_name(order.files[0].name) or None) if len(order.files) == 1 else None,
        "holder": work.holder.name,
        "holder_kind": work.holder.kind.value,
        "kind": work.kind.value,
        "creation": work.creation.value,
        "completed": None if work.completed is None else work.completed.isoformat(),
        "description": work.description or None,
    }
    return AuditEvent(EventKind.OWNERSHIP_DEPOSITED, info.gen_time, person.subject, None, public, private)


def _name_then(tx: Transaction, deposit: Deposit) -> str | None:
    """The depositor's name when it was deposited, as the log's entry has it; None once that was erased."""
    opening = ledger.opening(tx, deposit.entry)
    return None if opening is None else canonical.decode(opening)["name"]["value"]


def _keep_certificate(tx: Transaction, deposit: Deposit, digest: str, now: datetime) -> str:
    """The certificate that stands: whichever was made first."""
    kept = ownership.certificate_of(tx, deposit.id)
    if kept is None:
        public: dict[str, Field] = {"deposit": deposit.id, "certificate": digest}
        actor = deposit.depositor if acting_client() is None else SYSTEM
        entry = append_event(tx, AuditEvent(EventKind.OWNERSHIP_CERTIFIED, now, actor, None, public))
        ownership.keep_certificate(tx, deposit.id, digest, entry)
    return kept or digest
