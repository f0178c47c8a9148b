"""What administrators change about their own account, having proved the password again
(:meth:`appliance.administration.sign_in.AdministratorSignIn.confirm_password`)."""

from __future__ import annotations

from appliance.accounts import passwords
from appliance.accounts.codes import CodeDraft
from appliance.administration.context import AdministrationContext
from appliance.administration.sessions import ConsoleSessionHolder, ConsoleSessions
from appliance.language import Language
from appliance.model.administration import JournalKind
from appliance.store.administration import administrators


class OwnAdministratorFactors:
    """Changes that the owner makes, signed in. Thread-safe."""

    def __init__(self, context: AdministrationContext, sessions: ConsoleSessions) -> None:
        self._context = context
        self._sessions = sessions

    def choose_language(self, login: str, language: Language) -> None:
        """The language in which the console speaks to this administrator."""
        with self._context.database.transaction() as tx:
            administrators.set_language(tx, login, language)

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
