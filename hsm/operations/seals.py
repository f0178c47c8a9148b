"""Changes of existing seals: custodians, how many approve, suspension, the picture, destruction."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hsm.errors import BadRequest, CertificateRefused
from hsm.generation import destroy_key
from hsm.intents import OfficerIntent, required_field
from hsm.operation_types import KnownCompanySeal
from hsm.operations.certification import fresh_crl, revoke
from hsm.operations.context import AuthorityContext, Handlers
from hsm.rows import fields_of
from hsm.store import CompanySealRecord, Subject

_REASON = "cessation_of_operation"
_DIGEST = re.compile(r"[0-9a-f]{64}")


class CompanySealOperations(Handlers):
    """Changes of seals. To stop a seal needs no activation; to allow its use needs the officers'."""

    def seal(self, subject: str) -> KnownCompanySeal:
        record = self._store.seals.seal(subject)
        return KnownCompanySeal(
            **fields_of(record, "subject kind needed picture suspended destroyed"),
            custodians=tuple(sorted(self._store.people.custodians(subject))),
            keys_left=len(self._store.seals.keys_left(subject)),
        )

    def suspend_seal(self, subject: str) -> None:
        """Stops a seal at once, for any caller: stopping must be easy, resuming need not be."""
        since = int(self._context.now().timestamp())
        with self._store.transaction():
            self._store.seals.suspend(self._undestroyed(subject).subject, since=since)

    def resume_seal(self, intent: OfficerIntent) -> None:
        """Lets a seal be used again, once it has as many custodians as it takes."""
        subject = intent.text("subject")
        with self._authorised(intent, lambda: self._require_enough(subject, in_use=True)):
            self._store.seals.change_seal(subject, suspended=None)

    def add_custodian(self, intent: OfficerIntent) -> None:
        record = self._in_use(intent)
        custodian = intent.text("custodian")
        seal = self._store.people.subject(record.subject)
        with self._authorised(intent, lambda: require_custodian(self._context, custodian, seal)):
            self._store.seals.add_custodian(record.subject, custodian)

    def remove_custodian(self, intent: OfficerIntent) -> None:
        """Takes a seal from a custodian at once, by one officer: also what that custodian has approved already.

        A seal in use keeps as many custodians as it needs; suspend it first to remove the last ones.
        """
        subject, custodian = intent.text("subject"), intent.text("custodian")
        with self._authorised(intent, lambda: self._require_enough(subject, without=custodian)):
            self._store.seals.remove_custodian(subject, custodian)

    def set_custodians_needed(self, intent: OfficerIntent) -> None:
        """From now on one or two custodians release the seal; an intent may ask for more, never for less."""
        subject, needed = intent.text("subject"), needed_in(intent.details)
        with self._authorised(intent, lambda: self._require_enough(subject, needed=needed)):
            self._store.seals.change_seal(subject, needed=needed)

    def change_picture(self, intent: OfficerIntent) -> None:
        """Records which picture the officers took into use: its SHA-256, or nothing for the drawn one."""
        record = self._in_use(intent)
        digest = intent.text("picture")
        if digest and _DIGEST.fullmatch(digest) is None:
            raise BadRequest("A picture is named by its SHA-256 in lower-case hexadecimal.")
        with self._authorised(intent):
            self._store.seals.change_seal(record.subject, picture=digest or None)

    def destroy_seal(self, intent: OfficerIntent) -> bytes:
        """Revokes the seal's certificates, destroys its keys in the token and looks for them; the new CRL.

        The revocation is on disk before the first key is destroyed. When the token does not answer in between,
        officers ask again: the remaining keys are destroyed then.
        """
        record = self._store.seals.seal(intent.text("subject"))
        left = self._store.seals.keys_left(record.subject)
        if record.destroyed is not None and not left:
            raise CertificateRefused("The seal {subject} was destroyed before.", subject=record.subject)
        with self._authorised(intent) as authorised:
            at = authorised.moment
            if record.destroyed is None:
                revoke(self._context, self._store.registry.unexpired(record.subject, at), _REASON, at)
                self._store.seals.destroy(record.subject, at=at)
            crl = fresh_crl(self._context, authorised.at)
        for label in left:
            destroy_key(self._context.token, label)
            with self._store.transaction():
                self._store.seals.key_destroyed(label, at=at)
        return crl

    def _in_use(self, intent: OfficerIntent) -> CompanySealRecord:
        return self._undestroyed(intent.text("subject"))

    def _undestroyed(self, subject: str) -> CompanySealRecord:
        """The seal. Raises :class:`CertificateRefused` for one that was destroyed."""
        record = self._store.seals.seal(subject)
        if record.destroyed is not None:
            raise CertificateRefused(
                "The seal {subject} is destroyed; nothing changes it any more.", subject=subject
            )
        return record

    def _require_enough(
        self, subject: str, *, in_use: bool = False, without: str | None = None, needed: int | None = None
    ) -> None:
        """Raises :class:`CertificateRefused` unless the seal, if it is *in_use* or not suspended, has as many
        custodians as it takes, or as *needed*, also *without* one of them."""
        record, kept = self._undestroyed(subject), self._store.people.custodians(subject)
        if without is not None and without not in kept:
            raise CertificateRefused(
                "{custodian} is no custodian of {subject}.", custodian=without, subject=subject
            )
        custodians, needed = len(set(kept) - {without}), needed or record.needed
        if (in_use or record.suspended is None) and custodians < needed:
            raise CertificateRefused(
                "Custodians that the seal {subject} would have: {custodians}; it takes"
                " {needed}. Suspend it first, or add custodians.",
                subject=subject,
                custodians=custodians,
                needed=needed,
            )


def require_custodian(context: AuthorityContext, custodian: str, seal: Subject) -> None:
    """Raises :class:`CertificateRefused` unless *custodian* is a person of the organisation of *seal* who can
    activate: one of the house for the house's seal, an outside signer whom officers know for another company's.
    """
    person = context.store.people.subject(custodian)
    fitting = person.kind is seal.kind.kept_by and person.organisation == seal.organisation
    fitting = fitting and context.store.vouchings.find(custodian) is None
    if not fitting or not context.store.people.credentials(custodian):
        raise CertificateRefused(
            "{custodian} is no person of {organisation} and cannot keep its seal.",
            custodian=custodian,
            organisation=seal.organisation,
        )


def needed_in(details: Mapping[str, Any]) -> int:
    """How many custodians an intent says that a seal takes. Raises :class:`BadRequest`."""
    needed = required_field(details, "needed", int)
    if needed not in (1, 2):
        raise BadRequest("A seal takes one custodian or two.")
    return needed
