"""What people change about their own account: profile, password, login code, passkeys. One way in always stays."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from appliance.accounts import passwords
from appliance.accounts.context import AccountsPart
from appliance.accounts.passkeys import NewPasskey, good_label
from appliance.accounts.tickets import spend_ticket
from appliance.contact_details import person_name
from appliance.entered_text import require_zone
from appliance.errors import NotFound, PreconditionRefused
from appliance.language import Language
from appliance.ledger.audit_trail import EventKind
from appliance.model.accounts import Passkey
from appliance.store import accounts, enrolment, members, people
from appliance.store.database import Transaction, reads

MOST_PASSKEYS = 10

NAME_STAYS: Final = "Your name stands in your signatures as an officer verifies it; it cannot be changed here."
NAME_FOLLOWS: Final = "Your name comes from your organisation's directory; it cannot be changed here."


class OwnFactors(AccountsPart):
    """Changes that the owner makes, signed in, having proved the password. Thread-safe."""

    def change_profile(self, subject: str, *, name: str, language: Language, zone: str) -> None:
        """Name shown, language and time zone.

        The name stands in visible signatures, so it stays as it is from the moment at which an officer is asked to
        verify it, and where it comes from a directory. Raises :class:`PreconditionRefused`, and as
        :func:`require_zone`.
        """
        require_zone(zone)
        with self._database.transaction() as tx:
            before = people.person(tx, subject)
            shown = before.name if name.strip() == before.name else person_name(name)
            if shown != before.name and _is_verified(tx, subject):
                raise PreconditionRefused(NAME_STAYS)
            if shown != before.name and members.directory_entry(tx, subject) is not None:
                raise PreconditionRefused(NAME_FOLLOWS)
            people.update_profile(tx, replace(before, name=shown, language=language, zone=zone))
            if shown != before.name:
                self._append_event(
                    tx, EventKind.PROFILE_CHANGED, subject, {"subject": subject}, name=shown, before=before.name
                )

    def follows_directory(self, subject: str) -> bool:
        """Whether a directory sets name, department and manager of *subject*."""
        return self._database.query(members.directory_entry, subject) is not None

    def prefer(self, subject: str, language: Language, *, zone: str | None = None) -> None:
        """Language and, where it is given, zone of pages and mails; for outside signers too.

        Raises as :func:`require_zone`.
        """
        if zone is not None:
            require_zone(zone)
        with self._database.transaction() as tx:
            before = people.person(tx, subject)
            after = replace(before, language=language, zone=zone or before.zone)
            if after != before:
                people.update_profile(tx, after)

    def mark_told(self, subject: str) -> None:
        """The owner has read where signatures are confirmed now."""
        self._database.commit(accounts.set_told, subject)

    def name_stays(self, subject: str) -> bool:
        """Whether the name is verified, or an officer is about to verify it."""
        return self._database.query(_is_verified, subject)

    def change_password(self, subject: str, new: str, *, session: str) -> None:
        """A new password; all sessions but this *session* (id) end. Raises :class:`PreconditionRefused`."""
        with self._database.reading() as tx:
            login, name = accounts.account(tx, subject).login, people.person(tx, subject).name
        passwords.require_good_password(new, login=login, name=name)
        hashed = passwords.hash_password(new)
        with self._database.transaction() as tx:
            accounts.set_password(tx, subject, hashed)
            self._append_event(tx, EventKind.PASSWORD_CHANGED, subject, {"subject": subject})
            self._sessions.end_all_sessions(tx, subject, by=subject, but=session)

    def change_code(self, subject: str, sealed: str, code: str) -> None:
        """A new login code in place of the old one. Raises :class:`PreconditionRefused` for a wrong code."""
        proven = self._codes.prove_secret(subject, sealed, code, now=self._now())
        with self._database.transaction() as tx:
            accounts.set_code_secret(tx, subject, proven.wrapped, step=proven.step)
            self._append_event(tx, EventKind.LOGIN_CODE_CHANGED, subject, {"subject": subject})

    passkeys = reads(accounts.passkeys_of)

    def add_passkey(self, subject: str, made: NewPasskey, label: str) -> None:
        """One more passkey. Raises :class:`PreconditionRefused` for a bad label or too many of them."""
        shown = good_label(label)
        new = Passkey(made.credential_id, subject, made.public_key, made.sign_count, shown, self._now())
        with self._database.transaction() as tx:
            if len(accounts.passkeys_of(tx, subject)) >= MOST_PASSKEYS:
                raise PreconditionRefused("{most} passkeys are the most; remove one first.", most=MOST_PASSKEYS)
            spend_ticket(tx, made.ticket, now=self._now())
            accounts.insert_passkey(tx, new)
            self._append_event(tx, EventKind.PASSKEY_ADDED, subject, {"subject": subject}, label=shown)

    def remove_passkey(self, subject: str, credential_id: bytes) -> None:
        """Removes a passkey from the account. What it may sign with stays the office's affair.

        Raises :class:`NotFound`, and :class:`PreconditionRefused` when no second factor would be left.
        """
        with self._database.transaction() as tx:
            account = accounts.account(tx, subject)
            if not account.has_code and account.passkeys <= 1:
                raise PreconditionRefused(
                    "This is your only second factor; set up a login code or another passkey first."
                )
            if not accounts.remove_passkey(tx, subject, credential_id):
                raise NotFound("There is no such passkey; it may have been removed already.")
            self._append_event(
                tx, EventKind.PASSKEY_REMOVED, subject, {"subject": subject}, credential=credential_id.hex()
            )


def _is_verified(tx: Transaction, subject: str) -> bool:
    return people.is_enrolled(tx, subject) or enrolment.open_request(tx, subject) is not None
