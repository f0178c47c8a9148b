"""A rollback and the authority's own store: the portal's database, which says what was recorded since, may lie."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import closing

import pytest
from pysqlite3 import dbapi2 as sqlite

from appliance.clock import utc_now
from appliance.demonstration.participants import CONTRACT_SEAL, OFFICER, ZHANG
from appliance.errors import UpgradeRefused
from appliance.operations.releases import UpgradeStep, roll_back, upgrade
from appliance.operations.releases.rollback import entries_of
from appliance.store import latest
from hsm.config import AuthorityHome
from hsm.operation_types import SignedCheckpoint
from hsm.store import Approval, AuthorityStore
from tests.operations.releases import NEXT
from tests.operations.test_releases import (
    NOBODY,
    Installation,
    begun,
    installation,
    template,
    upgraded,
    upgraded_once,
)

__all__ = ["installation", "template", "upgraded", "upgraded_once"]

NONCE = secrets.token_bytes(16)
REFUSED = r"cannot read: 1\. Going back"


def in_store(installation: Installation, change: Callable[[AuthorityStore], object]) -> None:
    """What the authority of 1.1 has done, of which the portal wrote nothing into the log."""
    with closing(AuthorityStore(AuthorityHome(installation.home.root).store)) as store, store.transaction():
        change(store)


def use(store: AuthorityStore, act: str = "sign") -> None:
    store.intents.authorise(NONCE, f'{{"act":"{act}"}}', activated_by=[OFFICER], strength="webauthn", at=1)


def withdraw(store: AuthorityStore, minutes: int = 10) -> None:
    now = int(time.time())
    store.intents.withdraw(NONCE, expires=now + minutes * 60, now=now)


def approve(store: AuthorityStore) -> None:
    approval, soon = Approval(ZHANG.subject, secrets.token_bytes(32), "webauthn"), int(time.time()) + 600
    store.approvals.add_approval(NONCE, approval, credential=1, at=1, expires=soon)


def take_back(store: AuthorityStore) -> None:
    approve(store)
    store.approvals.take_back(NONCE, ZHANG.subject, at=2)


def suspend(store: AuthorityStore) -> None:
    store.seals.suspend(CONTRACT_SEAL.subject, since=1)
    assert store.seals.seal(CONTRACT_SEAL.subject).suspended


def end(store: AuthorityStore) -> None:
    assert store.people.revoke_credentials(ZHANG.subject, revoked=1) == 1


@pytest.mark.parametrize("done", [use, withdraw, take_back, suspend, end])
def test_what_the_authority_has_done_comes_not_undone(
    upgraded: Installation, done: Callable[[AuthorityStore], object]
) -> None:
    in_store(upgraded, done)
    with pytest.raises(UpgradeRefused, match=REFUSED):
        roll_back(upgraded.home, upgraded.releases, NOBODY)
    assert (upgraded.current(), upgraded.schema()) == ("1.1", NEXT)
    roll_back(upgraded.home, upgraded.releases, NOBODY, forget_newer=True)
    assert (upgraded.current(), upgraded.schema()) == ("1.0", latest())


def test_an_approval_that_is_taken_back_once_more_comes_not_undone(installation: Installation) -> None:
    """Taken back and given again before the upgrade, taken back since: the copy knows one that was taken back, and
    one that would count."""
    in_store(installation, take_back)
    in_store(installation, approve)
    begun(installation, UpgradeStep.BACKED_UP)
    upgrade(installation.home, installation.releases, "1.1", NOBODY, now=utc_now())
    in_store(installation, lambda store: store.approvals.take_back(NONCE, ZHANG.subject, at=3))
    with pytest.raises(UpgradeRefused, match=REFUSED):
        roll_back(installation.home, installation.releases, NOBODY)


def sign_more(store: AuthorityStore) -> None:
    """A state of the log that the portal has not got any more."""
    last = store.checkpoints.last()
    assert last is not None
    store.checkpoints.remember(SignedCheckpoint(last.size + 1000, secrets.token_bytes(32)))


def test_a_log_that_has_become_shorter_than_what_was_signed_is_noticed(upgraded: Installation) -> None:
    in_store(upgraded, sign_more)
    with pytest.raises(UpgradeRefused, match="Going back would lose them"):
        roll_back(upgraded.home, upgraded.releases, NOBODY)


def test_what_the_older_release_has_no_place_for_counts(upgraded: Installation) -> None:
    """The store of before knew no withdrawals."""
    with closing(sqlite.connect(upgraded.home.root / ".before-upgrade/authority.db")) as before:
        before.execute("DROP TABLE withdrawn_intents")
    in_store(upgraded, withdraw)
    with pytest.raises(UpgradeRefused, match=REFUSED):
        roll_back(upgraded.home, upgraded.releases, NOBODY)


def test_a_store_that_cannot_be_read_is_no_reason_to_go_back(upgraded: Installation) -> None:
    store = AuthorityHome(upgraded.home.root).store
    store.write_bytes(b"no database" * 1000)
    with pytest.raises(UpgradeRefused, match=REFUSED):
        roll_back(upgraded.home, upgraded.releases, NOBODY)
    roll_back(upgraded.home, upgraded.releases, NOBODY, forget_newer=True)
    assert upgraded.current() == "1.0"


def test_what_loses_nothing_when_it_is_forgotten_stands_in_no_way(upgraded: Installation) -> None:
    """An unlock, which everything waits for that people unlock; an approval; what has expired."""
    for change in (lambda each: use(each, "unlock"), approve, lambda each: withdraw(each, minutes=-1)):
        in_store(upgraded, change)
    roll_back(upgraded.home, upgraded.releases, NOBODY)
    assert upgraded.current() == "1.0"


def test_what_was_signed_of_the_log_is_remembered(upgraded: Installation) -> None:
    """The line of whoever asks for the rollback goes along, and so does what the authority signed with it: it
    signs no other log of that size."""
    upgraded.releases.get("1.1").run(upgraded.home, "do", "release.rollback")
    signed = SignedCheckpoint(entries_of(upgraded.home.database), secrets.token_bytes(32))
    in_store(upgraded, lambda store: store.checkpoints.remember(signed))
    roll_back(upgraded.home, upgraded.releases, NOBODY)
    with closing(AuthorityStore(AuthorityHome(upgraded.home.root).store)) as store:
        assert store.checkpoints.last() == signed
