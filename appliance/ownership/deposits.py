"""Ownership certificates: a digest is timestamped, the page that says so is typeset and signed, and both are
recorded in one commit.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from appliance.contracts.dependencies import ContractRecords, SigningBackend
from appliance.errors import NotFound, PreconditionRefused, ResultRefused
from appliance.language import Language, instants, translator
from appliance.ledger.audit_trail import AuditEvent, EventKind, Field, append_event
from appliance.model.intent import Deposit
from appliance.pdf.values import ValidationMaterial
from appliance.store import ownership, people
from appliance.typesetting.typesetter import page_template, typeset
from appliance.verification import Indication
from hsm.rows import fields_of
from hsm.timestamp import parse_token, response_granted


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What stands on the certificate. ``serial`` is the timestamp's number in hex, ``size`` in bytes or None."""

    number: str
    title: str
    depositor: str
    organisation: str
    file: str
    digest: str
    size: int | None
    at: datetime
    zone: str
    serial: str
    issuer: str
    address: str


def certificate_pdf(facts: CertificateFacts, language: Language) -> bytes:
    """An A4 page with its typefaces embedded; not sealed yet. Raises as :func:`appliance.typesetting.typeset`."""
    return typeset(certificate_html(facts, language))


def certificate_html(facts: CertificateFacts, language: Language) -> str:
    """The page before it is set."""
    return page_template("appliance.ownership", "certificate.html").render(
        facts=facts,
        language=language.value,
        moment=instants.exact(facts.at, facts.zone),
        digest=[facts.digest[start : start + 8] for start in range(0, 64, 8)],
        translate=translator(language),
    )


LONGEST = 200
"""Characters of a title or a file's name."""

LARGEST = 2**53 - 1
"""Bytes of a file: what a browser can count exactly."""

SHOWN = 100
"""Deposits in a person's list."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class DepositOrder:
    """What somebody deposits: ``digest`` is the SHA-256 in lower-case hex; ``file`` and ``size`` as they say."""

    title: str
    digest: str
    file: str = ""
    size: int | None = None


class Ownership:
    """The file itself never comes here, its digest is enough. Thread-safe."""

    def __init__(self, records: ContractRecords, backend: SigningBackend, *, issuer: str, address: str) -> None:
        self._records = records
        self._backend = backend
        self._issuer = issuer
        self._address = address

    def deposit(self, order: DepositOrder, *, by: str) -> Deposit:
        """The deposit of *by* (a person's subject); for a digest that they had before, the one that is there.

        Raises :class:`PreconditionRefused` for an order that says too little or too much,
        :class:`hsm.errors.TimeNotAvailable` while nothing can be dated. Until the last step nothing is recorded
        but the timestamp, which says nothing about anybody.
        """
        order = _accepted(order)
        with self._records.database.reading() as tx:
            person = people.person(tx, by)
            known = ownership.mine(tx, by, order.digest)
        if known is not None:
            return known
        token = self._backend.timestamps.issue_token(bytes.fromhex(order.digest))
        info = parse_token(token)
        facts = CertificateFacts(
            number=secrets.token_hex(12),
            depositor=person.name,
            organisation=person.organisation,
            **fields_of(order, "title file digest size"),
            at=info.gen_time,
            zone=person.zone,
            serial=f"{info.serial:x}",
            issuer=self._issuer,
            address=self._address,
        )
        certificate = self._backend.blobs.put(self._sealed(certificate_pdf(facts, person.language)))
        return self._recorded(facts, token, certificate, by)

    def get(self, deposit_id: str, *, by: str) -> Deposit:
        """The deposit of *by*. Raises :class:`NotFound`, also for somebody else's."""
        deposit = self._records.database.query(ownership.load_deposit, deposit_id)
        if deposit.depositor != by:
            raise NotFound("There is no deposit {deposit}.", deposit=deposit_id)
        return deposit

    def certificate(self, deposit: Deposit) -> bytes:
        return self._backend.blobs.get(deposit.certificate)

    def reply(self, deposit: Deposit) -> bytes:
        """The timestamp as a reply (DER TimeStampResp), as ``openssl ts -verify -in`` reads it."""
        return response_granted(deposit.token)

    def of_person(self, subject: str) -> list[Deposit]:
        """The person's newest deposits."""
        return self._records.database.query(ownership.of_person, subject, limit=SHOWN)

    def of_digest(self, digest: str) -> list[Deposit]:
        """All deposits of a digest, the oldest first; who deposited is not for everybody."""
        if _DIGEST.fullmatch(digest) is None:
            return []
        return self._records.database.query(ownership.of_digest, digest)

    def _sealed(self, document: bytes) -> bytes:
        """*document* with a document timestamp and what proves it (DSS), passed by the verifier for strangers."""
        fresh = self._backend.authority.issue_crl()
        crls = tuple(dict.fromkeys([*self._backend.authority.crls(), fresh]))
        certificates = tuple(
            dict.fromkeys([*self._backend.authority.authorities(), self._backend.authority.certificate("tsa")])
        )
        prepared = self._backend.workshop.prepare_archive(document, ValidationMaterial(certificates, crls))
        sealed = self._backend.workshop.embed(prepared, self._backend.timestamps.issue_token(prepared.digest))
        report = self._backend.verifier.verify_pdf(sealed)
        if report.indication is not Indication.PASSED:
            raise ResultRefused(
                "The certificate does not pass our own verifier ({why}); nothing was deposited.",
                why="; ".join(report.reasons),
            )
        return sealed

    def _recorded(self, facts: CertificateFacts, token: bytes, certificate: str, by: str) -> Deposit:
        public: dict[str, Field] = {"digest": facts.digest, "certificate": certificate, "serial": facts.serial}
        private: dict[str, Field] = {"title": facts.title, "name": facts.depositor, "file": facts.file or None}
        event = AuditEvent(EventKind.OWNERSHIP_DEPOSITED, facts.at, by, None, public, private)
        with self._records.database.transaction() as tx:
            known = ownership.mine(tx, by, facts.digest)
            if known is not None:  # sent twice at the same moment: the first one stands
                return known
            deposit = Deposit(
                id=facts.number,
                depositor=by,
                **fields_of(facts, "title file digest size at"),
                token=token,
                certificate=certificate,
                entry=append_event(tx, event),
            )
            ownership.insert_deposit(tx, deposit)
            return ownership.load_deposit(tx, deposit.id)


def _accepted(order: DepositOrder) -> DepositOrder:
    title, file = " ".join(order.title.split()), " ".join(order.file.split())
    digest = "".join(order.digest.split()).lower()
    if not title:
        raise PreconditionRefused("Say in words what the file is; the title stands on the certificate.")
    if len(title) > LONGEST or len(file) > LONGEST:
        raise PreconditionRefused("Title and file name have at most {longest} characters each.", longest=LONGEST)
    if not (title + file).isprintable():
        raise PreconditionRefused("Title and file name may hold no control characters.")
    if _DIGEST.fullmatch(digest) is None:
        raise PreconditionRefused(
            "The SHA-256 has 64 characters of 0–9 and a–f; choose the file, or paste what sha256sum prints."
        )
    if order.size is not None and not 0 <= order.size <= LARGEST:
        raise PreconditionRefused("The size is a number of bytes.")
    return DepositOrder(title, digest, file, order.size)
