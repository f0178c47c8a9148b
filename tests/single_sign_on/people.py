"""People whom a directory has, and who sign in through its identity provider; made in the database, since how they
come to be there has tests of its own."""

from __future__ import annotations

import secrets

from appliance.home import Home
from appliance.language import Language
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.directories import DirectorySource, DirectoryUser, KnownUser
from appliance.model.people import Person
from appliance.store import accounts, directories
from appliance.wiring import Appliance

HOUSE = "甲公司示例有限公司"


def configure(home: Home, issuer: str, secret: str, *, more: str = "") -> None:
    """The home's people sign in through the provider at *issuer* from now on; *more* are settings of it."""
    with home.settings.open("a", encoding="utf-8") as stream:
        stream.write(f'\n[openid]\nissuer = "{issuer}"\nclient = "vermilion"\nname = "示例统一身份认证"\n{more}\n')
    path = home.secrets / "openid.secret"
    path.write_text(secret, encoding="utf-8")
    path.chmod(0o600)


def add_person(
    appliance: Appliance, login: str, *, single_sign_on: bool = True, state: AccountState = AccountState.ACTIVE
) -> str:
    """Somebody whom the directory has as *login*, with an account; their subject."""
    subject = f"person-{login}"
    person = Person(subject, f"示例 {login}", HOUSE, f"{login}@mail.example", Language.ENGLISH, "Asia/Shanghai")
    appliance.registry.add_person(person, None, by="officer-wang")
    give_account(appliance, subject, login, single_sign_on=single_sign_on, state=state)
    follow(appliance, subject, login, person.email)
    return subject


def give_account(
    appliance: Appliance,
    subject: str,
    login: str,
    *,
    single_sign_on: bool = True,
    state: AccountState = AccountState.ACTIVE,
) -> None:
    """An account for somebody who is registered."""
    with appliance.database.transaction() as tx:
        accounts.insert_account(tx, subject, login, handle=secrets.token_bytes(16), now=appliance.now())
        if single_sign_on:
            tx.execute("UPDATE accounts SET single_sign_on = 1 WHERE subject = ?", (subject,))
        else:
            accounts.set_password(tx, subject, "$argon2id$nobody-signs-in-with-this")
        accounts.set_state(tx, subject, state)
        accounts.set_roles(tx, subject, [AccountRole.INITIATOR, AccountRole.SIGNER])


def follow(appliance: Appliance, subject: str, login: str, email: str, *, key: str = "") -> KnownUser:
    """The directory's user whose account *subject* is."""
    user = DirectoryUser(key or f"key-of-{login}", login, f"示例 {login}", email)
    known = KnownUser(secrets.token_hex(16), DirectorySource.LDAP, user, subject)
    with appliance.database.transaction() as tx:
        directories.save_user(tx, known, at=appliance.now())
    return known
