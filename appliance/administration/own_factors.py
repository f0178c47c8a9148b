"""What administrators change about their own account, having proved the password again
(:meth:`appliance.administration.sign_in.AdministratorSignIn.confirm_password`); and their passkeys, which they
register in the console, and root confirms on the machine.

A key that the console has is worth nothing before that: whoever took the console over can register keys of its
own, but not confirm them. Root types the fingerprint that the owner reads out of the key just registered.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from appliance.accounts import passwords
from appliance.accounts.codes import CodeDraft
from appliance.accounts.passkeys import PasskeyOffer, good_label
from appliance.accounts.tickets import spend_ticket
from appliance.accounts.two_step import folded
from appliance.administration.confirmed import ConfirmedKey, fingerprint_of
from appliance.administration.context import AdministrationContext
from appliance.administration.pin_custodians import PinCustodianEnd, PinCustodians
from appliance.administration.sign_in import ConsoleSessionHolder, ConsoleSessions
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.language import Language
from appliance.model.administration import (
    ROOT,
    Administrator,
    AdministratorPasskey,
    AdministratorState,
    JournalKind,
)
from appliance.store.administration import administrators
from appliance.store.database import Transaction
from hsm.names import is_login

MOST = 5
"""Passkeys of one administrator: one for every day, one in a safe, and some to change over."""


@dataclass(frozen=True, slots=True)
class RegisteredKey:
    """One passkey, its fingerprint, and whether root has confirmed it, so that it ``counts``."""

    passkey: AdministratorPasskey
    fingerprint: str
    counts: bool


class OwnAdministratorFactors:
    """Changes that the owner makes, signed in. Thread-safe."""

    def __init__(self, context: AdministrationContext, sessions: ConsoleSessions) -> None:
        self._context = context
        self._sessions = sessions

    def choose_language(self, login: str, language: Language) -> None:
        """The language in which the console speaks to this administrator."""
        self._context.database.commit(administrators.set_language, login, language)

    def change_password(self, presence: ConsoleSessionHolder, new: str) -> None:
        """A new password; all sessions but this one end. Raises :class:`PreconditionRefused` for a weak one."""
        owner = presence.administrator
        passwords.require_good_password(new, login=owner.login, name=owner.name)
        hashed = passwords.hash_password(new)
        with self._context.writing() as tx:
            administrators.set_password(tx, owner.login, hashed)
            self._context.journal.append_line(tx, JournalKind.PASSWORD_CHANGED, presence.actor)
            self._sessions.end_all_sessions(tx, owner.login, by=presence.actor, but=presence.session.id)

    def code_draft(self, presence: ConsoleSessionHolder, *, sealed: str = "") -> CodeDraft:
        """A secret to scan, or the one in *sealed* when its form came back with a mistake in it."""
        login = presence.administrator.login
        return self._context.codes.draft_secret(login, login, sealed=sealed)

    def change_code(self, presence: ConsoleSessionHolder, sealed: str, code: str) -> None:
        """A new code in place of the old one. Raises :class:`PreconditionRefused` for a wrong code."""
        login = presence.administrator.login
        proven = self._context.codes.prove_secret(login, sealed, code, now=self._context.now())
        with self._context.writing() as tx:
            administrators.set_code_secret(tx, login, proven.wrapped, step=proven.step)
            self._context.journal.append_line(tx, JournalKind.LOGIN_CODE_CHANGED, presence.actor)

    def passkeys_of(self, login: str) -> list[RegisteredKey]:
        """Those of one administrator, oldest first."""
        found = self._context.database.query(administrators.passkeys_of, login)
        return _registered(self._context, found)

    def offer_registration(self, presence: ConsoleSessionHolder) -> PasskeyOffer:
        """What the page needs to have a passkey made. The password was proved again."""
        owner = presence.administrator
        known = [each.passkey.credential_id for each in self.passkeys_of(owner.login)]
        return self._context.passkeys().offer_registration(
            owner.login, login=owner.login, name=owner.name, known=known
        )

    def add_passkey(self, presence: ConsoleSessionHolder, ticket: str, answer: str, label: str) -> RegisteredKey:
        """Keeps the one that *answer*-ed the offer with this *ticket*; it does not count yet.

        Raises :class:`StateRefused` for an old page, :class:`PreconditionRefused` for an answer that does not
        verify, for a label that is none, and for one too many.
        """
        owner, now = presence.administrator, self._context.now()
        made = self._context.passkeys().verify_registration(
            owner.login, ticket, answer
        )  # first: who has no offer gets none
        name = good_label(label)
        passkey = AdministratorPasskey(
            made.credential_id, owner.login, made.public_key, made.sign_count, name, now.replace(microsecond=0)
        )
        with self._context.writing() as tx:
            if len(administrators.passkeys_of(tx, owner.login)) >= MOST:
                raise PreconditionRefused("{most} passkeys are the most; remove one first.", most=MOST)
            spend_ticket(tx, made.ticket, now=now)
            administrators.insert_passkey(tx, passkey)
            told = fingerprint_of(passkey)
            self._context.journal.append_line(tx, JournalKind.PASSKEY_ADDED, presence.actor, fingerprint=told)
        return RegisteredKey(passkey, told, counts=False)

    def own_passkey(self, presence: ConsoleSessionHolder, fingerprint: str) -> RegisteredKey:
        """One's own with this *fingerprint*. Raises :class:`NotFound`."""
        for each in self.passkeys_of(presence.administrator.login):
            if each.fingerprint == fingerprint:
                return each
        raise _no_such()

    def remove_passkey(self, presence: ConsoleSessionHolder, fingerprint: str) -> None:
        """One's own signs nothing any more in this console, and the same one is never registered again: so an old
        copy of it does not begin with a fresh counter. The password was proved again. What root has confirmed
        stays confirmed until root takes it back.

        Raises :class:`NotFound`.
        """
        login, wanted, now = (
            presence.administrator.login,
            self.own_passkey(presence, fingerprint),
            self._context.now(),
        )
        with self._context.writing() as tx:
            if not administrators.remove_passkey(tx, login, wanted.passkey.credential_id, now=now):
                raise _no_such()
            self._context.journal.append_line(
                tx, JournalKind.PASSKEY_REMOVED, presence.actor, fingerprint=fingerprint
            )


class PasskeyConfirmation:
    """What root does on the machine, and nobody else can. Thread-safe."""

    def __init__(self, context: AdministrationContext, pin_custodians: PinCustodians) -> None:
        self._context = context
        self._pin_custodians = pin_custodians

    def registered(self) -> list[RegisteredKey]:
        """Everybody's, by login."""
        found = self._context.database.query(administrators.all_passkeys)
        return _registered(self._context, found)

    def confirmed(self) -> list[ConfirmedKey]:
        """Those that count, by login, whether they are still registered or not."""
        return sorted(self._context.confirmed.all_keys(), key=lambda key: key.login)

    def unreadable(self) -> dict[Path, str]:
        """The files that root has confirmed and that do not count, and why."""
        return self._context.confirmed.unreadable()

    def named(self, login: str, fingerprint: str) -> tuple[Administrator, RegisteredKey]:
        """Whose key has that *fingerprint*, which the owner read out. Raises :class:`NotFound`, and
        :class:`StateRefused` for an account that is not active."""
        wanted = _digits(fingerprint)
        with self._context.database.reading() as tx:
            owner = administrators.administrator(tx, login)
            found = administrators.passkeys_of(tx, login)
        if owner.state is not AdministratorState.ACTIVE:
            raise StateRefused(
                "The account of {login} is {state}; this is not done to it.", login=login, state=owner.state
            )
        for key in _registered(self._context, found):
            if _digits(key.fingerprint) == wanted:
                return owner, key
        raise NotFound(
            "{login} has registered no passkey with this fingerprint; have it read out once more, and register it"
            " anew if it differs.",
            login=login,
        )

    def confirm_named(self, owner: Administrator, key: RegisteredKey) -> None:
        """What :meth:`named` gave and somebody has read counts from now on, for the kind of administrator that the
        *owner* was then, for good. It is not looked up anew, since whoever has taken the console over can make
        another kind of administrator of the owner meanwhile. Raises :class:`StorageError` where nobody may."""
        found, login = key.passkey, owner.login
        with self._context.writing() as tx:  # what cannot be told does not count
            self._append_line(JournalKind.PASSKEY_CONFIRMED, login, key.fingerprint, tx)
            self._context.confirmed.confirm_key(
                ConfirmedKey(login, owner.role, found.credential_id, found.public_key)
            )

    def unconfirm(self, login: str, fingerprint: str = "") -> tuple[int, PinCustodianEnd]:
        """The passkeys of *login*, or the one with that *fingerprint*, no longer count, nor unlock if *login* is a
        PIN custodian; how many they were, and what became of the PIN custodian. Repeat it after an interruption,
        or when the authority did not answer: until then a passkey that no longer counts may still unlock.

        Raises :class:`NotFound` when there is none, and as :meth:`PinCustodians.end_custodian` when none counts.
        """
        name = folded(login)
        found = [key for key in self._context.confirmed.keys_of(name) if _is(key, fingerprint)]
        if not found:
            return 0, self._end_again(name, fingerprint)
        for key in found:
            self._context.confirmed.unconfirm_key(key)
            with self._context.writing() as tx:
                self._append_line(JournalKind.PASSKEY_UNCONFIRMED, name, fingerprint_of(key), tx)
        one = found[0].credential_id if fingerprint else None
        return len(found), self._pin_custodians.try_end_custodian(name, one, by=ROOT)

    def _end_again(self, login: str, fingerprint: str) -> PinCustodianEnd:
        """None of these counts: what of them may still unlock, or wait for officers, ends."""
        with self._context.database.reading() as tx:
            known = [
                key.credential_id for key in administrators.every_passkey_of(tx, login) if _is(key, fingerprint)
            ]
        if is_login(login) and (known or not fingerprint):
            ended = self._pin_custodians.end_custodian(login, known[0] if fingerprint else None, by=ROOT)
            if ended.ended or ended.withdrawn:
                return ended
        raise NotFound("No such passkey of {login} counts.", login=login)

    def _append_line(self, kind: JournalKind, login: str, fingerprint: str, tx: Transaction) -> None:
        self._context.journal.append_line(tx, kind, ROOT, login=login, fingerprint=fingerprint)


def _registered(context: AdministrationContext, found: list[AdministratorPasskey]) -> list[RegisteredKey]:
    confirmed = {(key.login, key.credential_id, key.public_key) for key in context.confirmed.all_keys()}
    return [
        RegisteredKey(each, fingerprint_of(each), (each.login, each.credential_id, each.public_key) in confirmed)
        for each in found
    ]


def _is(key: AdministratorPasskey | ConfirmedKey, fingerprint: str) -> bool:
    return not fingerprint or _digits(fingerprint_of(key)) == _digits(fingerprint)


def _no_such() -> NotFound:
    return NotFound("There is no such passkey; it may have been removed already.")


def _digits(fingerprint: str) -> str:
    return "".join(fingerprint.split()).lower()
