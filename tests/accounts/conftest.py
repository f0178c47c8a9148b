"""Accounts over a real database and a real authority, with a clock that tests move."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance.accounts.context import AccountsContext
from appliance.accounts.service import AccountsService
from appliance.accounts.sessions import ClientInfo
from appliance.accounts.tickets import LinkTokens
from appliance.config import Settings
from appliance.home import Home
from appliance.model.accounts import AccountRole, LinkPurpose, NewAccount, OpenedSession
from appliance.store import ledger
from appliance.store.database import Database
from hsm.activation.credentials import code_at, step_of
from tests.authority import RunningAuthority

WHERE = ClientInfo("192.0.2.7", "Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0 Safari/537.36")
GOOD = "梅雨时节的第七封信 & 三只鹭"
"""A password that is good enough for everybody here."""

OFFICER = "officer-wang"


@dataclass(slots=True)
class Site:
    """The accounts service, its clock, and what people know."""

    service: AccountsService
    context: AccountsContext
    at: datetime
    secrets: dict[str, bytes] = field(default_factory=dict)

    def later(self, **gone: float) -> None:
        self.at += timedelta(**gone)

    def invited(
        self, login: str, kind: str = "person", roles: frozenset[AccountRole] = frozenset({AccountRole.SIGNER})
    ) -> str:
        """The token of an invitation."""
        new = NewAccount(kind, login, f"{login} 示例", "甲公司示例有限公司", f"{login}@alpha.example", roles)
        return self.service.administration.invite(new, by=OFFICER).token

    def set_up(self, login: str) -> OpenedSession:
        """A signer's account with password :data:`GOOD` and login codes, whose owner is in."""
        return self.choose(LinkPurpose.WELCOME, self.invited(login), login)

    def choose(self, purpose: LinkPurpose, token: str, login: str, password: str = GOOD) -> OpenedSession:
        self.service.account_setup.choose_password(self.service.account_setup.open_link(purpose, token), password)
        arrival = self.service.account_setup.open_link(purpose, token)
        draft = self.service.codes.draft_secret(arrival.account.subject, arrival.account.login)
        self.secrets[login] = base64.b32decode(draft.secret)
        opened = self.service.account_setup.finish_with_code(arrival, draft.sealed, self.code(login), WHERE)
        self.later(seconds=30)
        return opened

    def code(self, login: str) -> str:
        return code_at(self.secrets[login.strip().lower()], step_of(self.at))

    def sign_in(self, login: str, password: str = GOOD, where: ClientInfo = WHERE) -> OpenedSession:
        passed = self.service.sign_in.check_password(login, password, where)
        return self.service.sign_in.check_code(passed.ticket, self.code(login), where)

    def told(self) -> list[str]:
        """The kinds of all entries of the log, in order."""
        return [str(entry["kind"]) for entry in self.entries()]

    def entries(self) -> list[dict[str, Any]]:
        """All entries of the log as they stand there, in order."""
        with self.context.database.reading() as tx:
            return [json.loads(leaf) for leaf in ledger.leaves(tx, 0, 10_000)]


@pytest.fixture
def site(tmp_path: Path, authority: RunningAuthority) -> Iterator[Site]:
    home = Home(tmp_path)
    database = Database(home.database)
    made: list[Site] = []
    with authority.client("web") as client:
        context = AccountsContext(
            Settings(home), database, client, LinkTokens(bytes(range(32))), lambda: made[0].at
        )
        made.append(Site(AccountsService(context), context, datetime(2026, 11, 25, 8, 0, 3, tzinfo=UTC)))
        yield made[0]
    database.close()
