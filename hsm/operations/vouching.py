"""Vouching: a person of the house names who signs a contract from outside; the authority makes the code, compares
it, certifies them for that contract alone, and states who vouched for whom, signed by the evidence service's key.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from hsm import canonical
from hsm.activation.authoriser import AuthorisedIntent
from hsm.errors import ActivationRefused, CertificateRefused, UnknownKey
from hsm.generation import destroy_key
from hsm.intents import OfficerIntent, PasskeyRegistration, instant
from hsm.names import SubjectName
from hsm.operation_types import KnownVouching, SignedStatement
from hsm.operations.certification import certify_event, event_issuer, fresh_crl, revoke
from hsm.operations.context import Handlers
from hsm.operations.registration import verified_passkey
from hsm.store import CertificateRecord, Subject, SubjectKind
from hsm.store.vouchings import VouchingRecord, digest_of
from hsm.vouching import FORMAT, TRIES, EventScope, VouchedContract, VouchedSigner, new_code, vouched_in

_DAY = timedelta(days=1)
_REASON = "cessation_of_operation"
_LONGEST_CODE = 40


class VouchingOperations(Handlers):
    """From the word of one person to a certificate for one contract, and to the end of its key."""

    def vouching_limit(self) -> int:
        """None where no CA could issue what comes of it."""
        try:
            self._store.registry.event_issuing()
        except UnknownKey:
            return 0
        return self._context.settings.activation.vouched_daily

    def vouch(self, intent: OfficerIntent) -> list[str]:
        """The codes for those whom *intent* names, in its order; kept as hashes alone.

        1. its arguments have their plain forms, the organisations are none of the house's, and nobody named is
           enrolled or has used a code already;
        2. it is activated by one person of the house, by a passkey
           (:class:`hsm.activation.rules.ActivationRules`), who has not vouched for too many today;
        3. codes that the same signers have not used count no more.
        """
        vouched = vouched_in(intent.details)
        event_issuer(self._context)
        rules = self._context.rules()
        for each in vouched.signers:
            rules.require_foreign(each.organisation)
        by = self._context.authoriser.approvals(intent).given
        codes = [new_code() for _ in vouched.signers]
        with self._authorised(intent, lambda: self._require_open(vouched, by)) as authorised:
            for signer, code in zip(vouched.signers, codes, strict=True):
                self._store.vouchings.add_vouching(self._record(intent, authorised, vouched, signer, code))
        return codes

    def register_vouched(self, subject: str, code: str, registration: PasskeyRegistration, reference: str) -> None:
        """The passkey, key and certificate of somebody for whom a person of the house has vouched.

        1. the try is counted before the code is looked at, five of them; the right one counts once;
        2. the registration is verified as any other;
        3. the person, the passkey, the certificate and the statement of who vouched are one transaction.
        """
        now = self._context.now()
        record = self._matching(subject, code, now)
        passkey = verified_passkey(self._context, subject, registration, reference)
        signer = self._usable("evidence")
        moment = int(now.timestamp())
        with self._store.transaction():
            outside = Subject(subject, SubjectKind.OUTSIDE, record.name, record.organisation)
            self._store.people.add_subject(outside, enrolled=moment)
            self._store.people.add_credential(passkey, added=moment)
            self._store.registrations.drop(subject)
            name = SubjectName(record.organisation, record.name, subject)
            scope = EventScope(record.contract, record.party, record.vouched_by)
            made = certify_event(self._context, name, scope, now=now)
            stated = self._stated(signer, self._statement(record, made, now))
            if not self._store.vouchings.register(record, stated, at=moment):
                raise ActivationRefused(_DEAD)

    def vouching(self, subject: str) -> KnownVouching:
        found = self._store.vouchings.vouching(subject)
        expired = found.registered is None and found.expires <= self._context.now().timestamp()
        return KnownVouching(
            subject=subject,
            contract=found.contract,
            party=found.party,
            vouched_by=found.vouched_by,
            vouched=datetime.fromtimestamp(found.vouched, UTC),
            tries_left=0 if expired or found.registered is not None else TRIES - found.tries,
            registered=found.registered is not None,
            ended=found.ended is not None,
        )

    def vouching_statement(self, subject: str) -> SignedStatement:
        found = self._store.vouchings.vouching(subject)
        if found.statement is None or found.cms is None:
            raise UnknownKey("Nobody has used the code of {subject} yet.", subject=subject)
        return SignedStatement(found.statement, found.cms)

    def end_vouching(self, subject: str, unsigned: bool) -> None:
        """Ends the code, or destroys the key and looks for it; the end is on disk before. The certificate of a key
        that has signed goes on counting, unless the contract ended *unsigned*."""
        found, store, now = self._store.vouchings.vouching(subject), self._store, self._context.now()
        moment = int(now.timestamp())
        with store.transaction():
            store.vouchings.end(subject, at=moment)
            store.registrations.drop(subject)
            if found.registered is not None and (unsigned or found.signed is None):
                revoke(self._context, store.registry.unexpired(subject, moment), _REASON, moment)
                fresh_crl(self._context, now)
        for label in store.seals.keys_left(subject):
            destroy_key(self._context.token, label)
            with store.transaction():
                store.seals.key_destroyed(label, at=moment)

    def _require_open(self, vouched: VouchedContract, by: tuple[str, ...]) -> None:
        """Nobody named is enrolled, or was ended, and whoever vouches (*by*) has not done so too often today."""
        for each in vouched.signers:
            before = self._store.vouchings.find(each.subject)
            if self._store.people.is_enrolled(each.subject) or (before and before.ended is not None):
                raise CertificateRefused(
                    "{name} is certified already, or it has ended; name them anew in the contract.", name=each.name
                )
        limit, since = self.vouching_limit(), int((self._context.now() - _DAY).timestamp())
        for person in by:
            if self._store.vouchings.made_since(person, since) + len(vouched.signers) > limit:
                raise ActivationRefused(
                    "Nobody may vouch for more than {limit} signers within 24 hours; wait, or let an officer"
                    " verify them.",
                    limit=limit,
                )

    def _record(
        self,
        intent: OfficerIntent,
        authorised: AuthorisedIntent,
        vouched: VouchedContract,
        signer: VouchedSigner,
        code: str,
    ) -> VouchingRecord:
        lasts = timedelta(days=self._context.settings.certificates.event_days)
        return VouchingRecord(
            number=0,
            subject=signer.subject,
            contract=vouched.contract,
            party=signer.party,
            name=signer.name,
            organisation=signer.organisation,
            title=vouched.title,
            intent=canonical.encode(intent.fields()).decode(),
            challenge=intent.challenge(),
            vouched_by=authorised.by[0],
            vouched=authorised.moment,
            expires=int((authorised.at + lasts).timestamp()),
            code=digest_of(signer.subject, code),
        )

    def _matching(self, subject: str, code: str, now: datetime) -> VouchingRecord:
        """The vouching whose code this is, compared in constant time."""
        found = self._store.vouchings.find(subject)
        if found is None or not self._store.vouchings.count_try(found, int(now.timestamp())):
            raise ActivationRefused(_DEAD)
        if not hmac.compare_digest(found.code, digest_of(subject, code[:_LONGEST_CODE])):
            raise ActivationRefused(_WRONG, left=TRIES - found.tries - 1)
        with self._store.transaction():
            self._store.vouchings.forget_tries(found)
        return found

    def _statement(self, record: VouchingRecord, made: CertificateRecord, now: datetime) -> Mapping[str, Any]:
        by = self._store.people.subject(record.vouched_by)
        return {
            "format": FORMAT,
            "act": record.challenge.hex(),
            "certificate": hashlib.sha256(made.certificate.public_bytes(Encoding.DER)).hexdigest(),
            "contract": record.contract,
            "name": record.name,
            "organisation": record.organisation,
            "party": record.party,
            "person": record.subject,
            "registered": instant(now),
            "title": record.title,
            "vouched": instant(datetime.fromtimestamp(record.vouched, UTC)),
            "vouched_by": {"name": by.name, "organisation": by.organisation, "subject": by.subject},
        }


_DEAD = (
    "This code does not count any more: it was used, replaced, or tried too often. Ask whoever invited you for"
    " another."
)
_WRONG = "This is not the code. Tries left: {left}. Look again, or ask whoever invited you."
