"""The administration as the console and the command see it, put together over its own database; who acts as root;
and the list of stuck contracts."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

from appliance.administration.account_setup import AdministratorSetup
from appliance.administration.action import ActionContext, ExecutedBy
from appliance.administration.admin_requests import AdminRequests
from appliance.administration.administrators import Administrators
from appliance.administration.approval_mail import ApprovalMail
from appliance.administration.context import AdministrationContext, AdministrationJournal
from appliance.administration.executor import RequestExecutor
from appliance.administration.own_factors import OwnAdministratorFactors, PasskeyConfirmation
from appliance.administration.pin_custodians import PinCustodians
from appliance.administration.privileged_helper import SOCKET as HELPER_SOCKET
from appliance.administration.privileged_helper import host_of, notify_privileged_helper
from appliance.administration.sign_in import AdministratorSignIn, ConsoleSessions
from appliance.administration.signatures import RequestSignatures
from appliance.administration.unlocking import AttendedUnlock
from appliance.config import Settings
from appliance.home import Home
from appliance.store.administration import ADMINISTRATION, published_clients, stuck
from appliance.store.administration.published_status import DIRECTORY, WITNESSES, StatusTable
from appliance.store.database import Database, Transaction
from hsm.client import AuthorityClient

if TYPE_CHECKING:
    from appliance.wiring import Appliance

T = TypeVar("T")


class PublishedList(Generic[T]):
    """Things as they were at the scheduler's last look. Thread-safe."""

    def __init__(
        self,
        context: AdministrationContext,
        everything: Callable[[Transaction], list[T]],
        replace: Callable[[Transaction, Sequence[T]], None],
    ) -> None:
        self._context, self._everything, self._replace = context, everything, replace

    def publish(self, found: Sequence[T]) -> None:
        """*found* in place of what was found before; nothing is written when it is the same."""
        if list(found) != self.all():
            self._context.database.commit(self._replace, found)

    def all(self) -> list[T]:
        """All of them, in the order of the store."""
        return self._context.database.query(self._everything)


class PublishedStatus(Generic[T]):
    """One value of *table*, at the scheduler's last look. Thread-safe."""

    def __init__(self, context: AdministrationContext, table: StatusTable[T]) -> None:
        self._context, self._table = context, table

    def publish(self, found: T) -> None:
        """*found* in place of what was found before; nothing is written when it is the same."""
        if not self._context.database.query(self._table.is_known, found):
            self._context.database.commit(self._table.replace, found)

    def status(self) -> T | None:
        """None before the first look."""
        return self._context.database.query(self._table.status)


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}\$?")
_UNSET = 2**32 - 1
"""What the kernel says of a process that no login led to (``pam_loginuid``)."""


def user_behind(environment: Mapping[str, str], *, loginuid: Path = Path("/proc/self/loginuid")) -> str:
    """The user who ran ``sudo`` or ``doas``, else the one who logged in; empty when neither is known."""
    for name in (environment.get("SUDO_USER", ""), environment.get("DOAS_USER", "")):
        if name != "root" and _NAME.fullmatch(name):
            return name
    return _logged_in(loginuid)


def _logged_in(loginuid: Path) -> str:
    try:
        number = int(loginuid.read_text(encoding="ascii"))
        name = pwd.getpwuid(number).pw_name if 0 < number < _UNSET else ""
    except (OSError, ValueError, KeyError):
        return ""
    return name if number != os.getuid() and _NAME.fullmatch(name) else ""


CONSOLE_KEY = "console.key"
"""The secret that the codes of administrators are sealed with; the console and root read it."""


@dataclass(frozen=True, slots=True)
class Process:
    """Which process it is: the ``role`` by which it asks the authority, whose requests (``executes``) it performs,
    the appliance where it has one ``opened``, and whether it is root's own command, which ``attests``."""

    role: str
    executes: frozenset[ExecutedBy]
    opened: Appliance | None = None
    attests: bool = False


CONSOLE = Process("console", frozenset({ExecutedBy.CONSOLE}))
COMMAND = Process("operator", frozenset({ExecutedBy.CONSOLE, ExecutedBy.PRIVILEGED_HELPER}), attests=True)
"""Who is root on the machine needs no privileged helper."""


class Administration:
    """The parts: ``administrators``, and who of them is among the ``pin_custodians``; ``own`` is each one's own
    passwords and passkeys, ``confirming`` what root confirms of the passkeys; ``requests`` are the admin requests,
    ``approval_mail`` tells those who can approve one, ``executor`` performs those of this process; ``stuck`` are
    contracts that do not go on by themselves (each has one safe action, ``retries.contract``), ``api_clients`` the
    programs that use the API, by name, ``webhooks`` theirs, the oldest first; ``directory`` is what the
    organisation's directories have and what waits of them, ``witnesses`` who outside watches the log;
    ``unlocking`` is how two PIN custodians unlock the authority; ``journal`` is what everybody did."""

    def __init__(
        self,
        settings: Settings,
        context: AdministrationContext,
        pin_custodians: PinCustodians,
        authority: AuthorityClient,
        process: Process,
    ) -> None:
        signatures = RequestSignatures(context.site, context.confirmed, attests=process.attests)
        hands = process.executes | ({ExecutedBy.PRIVILEGED_HELPER} if _is_development(settings.home) else set())
        notify = partial(notify_privileged_helper, settings.home.run / HELPER_SOCKET)
        self.sessions = ConsoleSessions(context)
        self.administrators = Administrators(context, self.sessions, pin_custodians)
        parts = ActionContext(
            settings, self.administrators, authority, context.now, process.opened, lambda: host_of(settings)
        )
        self.executor = RequestExecutor(context, parts, hands, signatures, privileged_helper=notify)
        self.requests = AdminRequests(context, self.executor, signatures)
        self.approval_mail = ApprovalMail(context, settings)
        self.sign_in = AdministratorSignIn(context, self.sessions)
        self.account_setup = AdministratorSetup(context, self.sessions)
        self.own = OwnAdministratorFactors(context, self.sessions)
        self.pin_custodians = pin_custodians
        self.confirming = PasskeyConfirmation(context, pin_custodians)
        self.stuck = PublishedList(context, stuck.everything, stuck.replace)
        self.api_clients = PublishedList(context, published_clients.everything, published_clients.replace)
        self.webhooks = PublishedList(context, published_clients.webhooks, published_clients.replace_webhooks)
        self.directory = PublishedStatus(context, DIRECTORY)
        self.witnesses = PublishedStatus(context, WITNESSES)
        self.unlocking = AttendedUnlock(context, authority)
        self.journal = context.journal


@contextmanager
def open_administration(
    settings: Settings,
    *,
    now: Callable[[], datetime],
    process: Process = CONSOLE,
    environment: Mapping[str, str] = os.environ,
) -> Iterator[Administration]:
    """The parts of one process; closed on leaving. It opens while the authority and the portal's database do not.

    Raises :class:`StorageError` when the administration's own database cannot be used; whatever needs the secret
    ``console.key`` raises :class:`ConfigurationError` where it is missing.
    """
    home = settings.home
    with ExitStack() as stack:
        database = stack.enter_context(closing(Database(home.administration, ADMINISTRATION)))

        turn = Lock()

        @cache
        def opened() -> Database:
            return stack.enter_context(closing(Database(home.database, as_found=True)))

        def portal() -> Database:
            """Opened when somebody needs it, and tried again while it does not open. Never migrated here: after a
            rollback the helper's process is still of the newer release."""
            with turn:
                return opened()

        authority = stack.enter_context(AuthorityClient(home.authority_socket(process.role)))
        # Opened by who may, if at all.
        roots = stack.enter_context(AuthorityClient(home.authority_socket("operator")))
        journal = AdministrationJournal(database, portal, now, user=user_behind(environment))
        key = partial(home.secret, CONSOLE_KEY, environment)
        context = AdministrationContext(settings, database, portal, journal, key)
        pin_custodians = PinCustodians(context, authority, roots)
        yield Administration(settings, context, pin_custodians, authority, process)


def _is_development(home: Home) -> bool:
    """Whether everybody is one user, and there is no privileged helper to notify. Secrets alone do not tell: on an
    appliance a restore leaves those of the backup in that folder."""
    return home.secrets.is_dir() and not home.is_managed
