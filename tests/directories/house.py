"""A house whose accounts follow a directory, which is a list of users here: a real database and a real log, no
authority, of whom nothing is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from appliance.accounts.sessions import ClientInfo, session_id_of
from appliance.config import OpenIdSettings, Settings, load
from appliance.directories import DirectoryAccounts
from appliance.model.accounts import Account, AccountRole, NewAccount, Strength
from appliance.model.directories import (
    DirectoryRound,
    DirectorySource,
    DirectoryUser,
    HeldKind,
    KnownUser,
    ProviderIdentity,
    StoredUser,
)
from appliance.model.people import Person
from appliance.store import accounts, directories, people, single_sign_on
from appliance.wiring import Appliance, open_appliance
from tests.world import copy_home, template_home

LDAP = DirectorySource.LDAP
HERE = ClientInfo("192.0.2.7", "test")
PROVIDER = OpenIdSettings(issuer="https://id.enterprise.example", client="vermilion")
ADMINISTRATORS = "administrator-sun administrator-wu"


def user(number: int, **changes: Any) -> DirectoryUser:
    """The user of this *number*, with *changes*."""
    made = DirectoryUser(
        key=f"key-{number}",
        login=f"user{number}",
        name=f"人员{number}",
        email=f"user{number}@enterprise.example",
        groups=frozenset({"staff"}),
    )
    return replace(made, **changes)


def users(count: int) -> list[DirectoryUser]:
    return [user(number) for number in range(1, count + 1)]


class Clock:
    """The time, which tests move on."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass(frozen=True, slots=True)
class House:
    """The appliance, and what tests ask of it."""

    appliance: Appliance
    clock: Clock

    @property
    def follow(self) -> DirectoryAccounts:
        return self.appliance.directory_accounts

    def sync(self, everybody: Iterable[DirectoryUser]) -> DirectoryRound:
        return self.follow.synchronise(LDAP, everybody)

    def counts(self, everybody: Iterable[DirectoryUser]) -> dict[str, int]:
        """What a synchronisation did, without how many were read."""
        return {name: count for name, count in self.sync(everybody).counts.items() if name != "read"}

    def stored(self, number: int | str) -> StoredUser:
        key = f"key-{number}" if isinstance(number, int) else number
        found = self.appliance.database.query(directories.stored_user, LDAP, key)
        assert found is not None
        return found

    def known(self, number: int | str) -> KnownUser:
        return self.stored(number).known

    def subject(self, number: int | str) -> str:
        found = self.known(number).subject
        assert found is not None
        return found

    def account(self, number: int | str) -> Account:
        return self.appliance.database.query(accounts.account, self.subject(number))

    def person(self, number: int | str) -> Person:
        return self.appliance.database.query(people.person, self.subject(number))

    def invite(self, login: str, email: str, *roles: AccountRole, kind: str = "person") -> str:
        """The subject of a local account."""
        held = frozenset(roles or {AccountRole.SIGNER})
        new = NewAccount(kind, login, "本地人员", self.appliance.settings.organisation.name, email, held)
        return self.appliance.accounts.administration.invite(new, by="officer-wang").subject

    def release(self, kind: HeldKind) -> int:
        """Two administrators agree to what they are shown."""
        [held] = [each for each in self.follow.report().held if each.kind is kind]
        return self.follow.release(kind, count=held.count, digest=held.digest, by=ADMINISTRATORS)

    def events(self, kind: str) -> int:
        """How many entries of this *kind* the log has."""
        with self.appliance.database.reading() as tx:
            return tx.count("SELECT count(*) FROM ledger WHERE instr(CAST(leaf AS TEXT), ?) > 0", (f'"{kind}"',))

    def sign_in(self, subject: str) -> str:
        """The secret of a new session through the identity provider."""
        identity = ProviderIdentity(PROVIDER.issuer, f"sub of {subject}")
        with self.appliance.database.transaction() as tx:
            secret = self.appliance.sessions.open_session(tx, subject, Strength.SINGLE_SIGN_ON, HERE).secret
            single_sign_on.keep_session(tx, session_id_of(secret), identity, "", sign_out="")
        return secret


@contextmanager
def opened_house(root: Path, *, single_sign_on: bool = True, **directory: Any) -> Iterator[House]:
    """A house in *root*, with these values of ``[directory]``."""
    settings = load(copy_home(template_home(), root, shares_cache=True))
    provider = PROVIDER if single_sign_on else OpenIdSettings()
    settings = replace(settings, directory=replace(settings.directory, **directory), openid=provider)
    clock = Clock()
    with open_appliance(settings, now=clock) as appliance:
        yield House(appliance, clock)


def reopened(house: House, **directory: Any) -> Settings:
    """The settings of *house* with other values of ``[directory]``."""
    settings = house.appliance.settings
    return replace(settings, directory=replace(settings.directory, **directory))
