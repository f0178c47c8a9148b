"""The administration over real databases, with a clock that tests move."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance.accounts.sessions import ClientInfo
from appliance.administration import CONSOLE, Administration, Process, open_administration
from appliance.administration.action import ExecutedBy
from appliance.administration.context import AdministrationJournal
from appliance.administration.own_factors import PasskeyConfirmation
from appliance.administration.signatures import SignedRequest
from appliance.config import LdapSettings, Settings, WebhookSettings
from appliance.home import Home, make_directory
from appliance.model.administration import (
    ROOT,
    Actor,
    AdministratorRole,
    AdminRequest,
    DualControlRole,
    NewAdministrator,
    OpenedConsoleSession,
)
from appliance.store import administrators as known_to_the_portal
from appliance.store import ledger
from appliance.store.administration import ADMINISTRATION
from appliance.store.administration import journal as stored_journal
from appliance.store.database import Database, Transaction
from hsm.activation.credentials import code_at, step_of
from hsm.files import write_private
from tests.accounts.device import Device

WHERE = ClientInfo("192.0.2.7", "Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0 Safari/537.36")
START = datetime(2026, 11, 25, 8, 0, 3, tzinfo=UTC)
GOOD = "梅雨时节的第七封信 & 三只鹭"
"""A password that is good enough for everybody here."""


@dataclass(slots=True)
class Site:
    """The administration, its clock, and what administrators know."""

    settings: Settings
    administration: Administration
    clock: list[datetime]
    secrets: dict[str, bytes] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)

    @property
    def at(self) -> datetime:
        return self.clock[0]

    def later(self, **gone: float) -> None:
        self.clock[0] += timedelta(**gone)

    def add(self, login: str, role: AdministratorRole) -> str:
        """Somebody new; the token of the link."""
        new = NewAdministrator(login, f"{login} 示例", f"{login}@ops.example", role)
        self.administration.administrators.add(new, by=ROOT)
        return self.administration.administrators.link(login, by=ROOT).token

    def set_up(self, login: str, role: AdministratorRole = AdministratorRole.SYSTEM) -> OpenedConsoleSession:
        """Somebody new, with password :data:`GOOD` and codes, who is in."""
        return self.choose(self.add(login, role), login)

    def choose(self, token: str, login: str) -> OpenedConsoleSession:
        welcoming = self.administration.account_setup
        welcoming.choose_password(welcoming.open_link(token), GOOD)
        draft = welcoming.code_draft(welcoming.open_link(token))
        self.secrets[login] = base64.b32decode(draft.secret)
        opened = welcoming.finish_with_code(welcoming.open_link(token), draft.sealed, self.code(login), WHERE)
        self.later(seconds=30)
        return opened

    def register(self, opened: OpenedConsoleSession) -> str:
        """A passkey of whoever is in; its fingerprint. It does not count yet."""
        presence = self.administration.sessions.find_holder(opened.secret)
        assert presence is not None
        login, own = presence.actor.login, self.administration.own
        device = self.devices[login] = Device(self.settings.console.origin, self.settings.console.relying_party)
        offer = own.offer_registration(presence)
        return own.add_passkey(presence, offer.ticket, device.create(offer.options), "办公室").fingerprint

    def set_up_with_key(self, login: str, role: AdministratorRole) -> None:
        """Somebody new, with a passkey that counts."""
        confirm_key(self.administration.confirming, login, self.register(self.set_up(login, role)))

    def sign(self, act: AdminRequest, part: DualControlRole, login: str) -> str:
        """What the device of *login* answers about *act*."""
        options = self.administration.requests.signing_options(act, part, by=self.actor(login))
        assert options is not None
        return self.devices[login].get(options)

    def ask_signed(self, name: str, given: dict[str, str], login: str) -> AdminRequest:
        """As a page of the console does it."""
        requests, by = self.administration.requests, self.actor(login)
        draft = requests.draft_request(name, given, by=by)
        draft = replace(draft, asked=draft.asked.replace(microsecond=0))
        signed = SignedRequest(draft.id, draft.asked, self.sign(draft, DualControlRole.ASKS, login))
        return requests.submit_request(name, given, by=by, signed=signed)

    def code(self, login: str) -> str:
        return code_at(self.secrets[login.strip().lower()], step_of(self.at))

    def sign_in(self, login: str, password: str = GOOD, where: ClientInfo = WHERE) -> OpenedConsoleSession:
        ticket = self.administration.sign_in.check_password(login, password, where)
        return self.administration.sign_in.check_code(ticket, self.code(login), where)

    def actor(self, login: str) -> Actor:
        return Actor(login, self.administration.administrators.administrator(login).role)

    def told(self) -> list[str]:
        """The kinds of the journal's lines, in order."""
        return [line.kind.value for line in reversed(self.administration.journal.lines(limit=1000))]

    def logged(self) -> list[dict[str, Any]]:
        """The public part of each entry of the log, in order."""
        database = Database(self.settings.home.database)
        with database.reading() as tx:
            entries = [json.loads(leaf)["public"] for leaf in ledger.leaves(tx, 0, 10_000)]
        database.close()
        return entries


@contextmanager
def writing(site: Site) -> Iterator[Transaction]:
    """What whoever has taken the console over can do to its database: guards are taken away, and put back."""
    database = Database(site.settings.home.administration, ADMINISTRATION)
    with database.transaction() as tx:
        guards = tx.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            tx.execute(f"DROP TRIGGER {name}")
        yield tx
        for _, guard in guards:
            tx.execute(guard)
    database.close()


RECEIVER = "erp.enterprise.example"
CLUSTER = 'name = "vermilion"\nnodes = ["zhu", "yin"]\naddress = "192.0.2.10/24"\nfencing = "power"\n'
"""It is one of two machines, so that one may ask for what takes two."""

LDAP = LdapSettings(url="ldaps://directory.enterprise.example", people="dc=example", bind_dn="cn=reader")
"""Where webhooks may go."""


@contextmanager
def opened_site(
    root: Path, *, hands: frozenset[ExecutedBy] = CONSOLE.executes, attests: bool = True, user: str = ""
) -> Iterator[Site]:
    """An administration whose process performs the acts of *hands*. It is no development home, where it would be
    the privileged helper too: its secret is a credential. It *attests* what it is told, as root's own command
    does: most of these tests are not about signatures."""
    secrets = make_directory(root / "credentials")
    if not (secrets / "console.key").exists():
        write_private(secrets / "console.key", b"5a" * 32 + b"\n")
    home = Home(root / "home")
    make_directory(home.settings.parent)
    home.cluster_settings.write_text(CLUSTER, encoding="utf-8")
    settings, clock = Settings(home, webhooks=WebhookSettings([RECEIVER]), ldap=LDAP), [START]
    with open_administration(
        settings,
        now=lambda: clock[0],
        process=Process("console", hands, attests=attests),
        environment={"CREDENTIALS_DIRECTORY": str(secrets), "SUDO_USER": user},
    ) as administration:
        yield Site(settings, administration, clock)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """One of development, with nothing in it but what the administration takes."""
    home = Home(tmp_path)
    for directory in (home.secrets, home.settings.parent, home.logs):
        make_directory(directory)
    write_private(home.secrets / "console.key", b"5a" * 32 + b"\n")
    write_private(home.settings, b"")
    return home


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with opened_site(tmp_path) as site:
        yield site


def lines_not_in_log(journal: AdministrationJournal) -> int:
    """How many lines are not in the log yet. Raises :class:`StorageError` while the log cannot be asked."""
    with journal._database.reading() as tx:
        name, length = stored_journal.identity(tx), stored_journal.length(tx)
    return length - journal._portal().query(known_to_the_portal.last_in_log, name)


def confirm_key(confirming: PasskeyConfirmation, login: str, fingerprint: str) -> None:
    """Root finds the key with that fingerprint, and confirms it."""
    confirming.confirm_named(*confirming.named(login, fingerprint))
