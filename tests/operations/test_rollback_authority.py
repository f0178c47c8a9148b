"""A rollback and the authority's own store: the portal's database, which says what was recorded since, may lie."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from pysqlite3 import dbapi2 as sqlite

from appliance.cli.program import Context, Terminal
from appliance.cli.releases import rollback_command
from appliance.clock import utc_now
from appliance.demonstration.participants import CONTRACT_SEAL, OFFICER, ZHANG
from appliance.errors import UpgradeRefused
from appliance.home import Home
from appliance.language import Language
from appliance.operations.releases import Commands, UpgradeStep, roll_back, upgrade
from appliance.operations.releases.copies import entries_of
from appliance.operations.releases.tree import Release
from appliance.store import latest
from appliance.witnesses.gate import accepted_losses
from hsm.config import AuthorityHome
from hsm.note import read_vkey
from hsm.operation_types import SignedCheckpoint
from hsm.store import Approval, AuthorityStore
from tests.operations.releases import NEXT, add_release
from tests.operations.test_releases import (
    NOBODY,
    Installation,
    begun,
    installation,
    template,
    upgraded,
    upgraded_once,
)
from tests.witnesses.log_side import KEY, SIZE, answering_with, policy_with

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


class Witness:
    """An outside witness that has cosigned ``known`` entries of the log of a home that names it."""

    def __init__(self, home: Home, url: str, certificate: Path, known: list[int]) -> None:
        self._known = known
        policy = policy_with(KEY, url, read_vkey(home.log_key))
        (home.settings.parent / "witness-policy.txt").write_bytes(policy.text)
        with home.settings.open("a", encoding="utf-8") as settings:
            settings.write(f'\n[witnesses]\npolicy = "witness-policy.txt"\ntls = "{certificate}"\n')

    def knows(self, entries: int) -> None:
        self._known[:] = [entries]


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Callable[[Installation], Witness]]:
    certificate, known = tmp_path / "witness-tls.pem", [0]
    with answering_with(409, lambda _: b"%d\n" % known[0], SIZE, tls=certificate) as (url, _):
        yield lambda installation: Witness(installation.home, url, certificate, known)


def gated(installation: Installation) -> Commands:
    """As it starts on a machine: the authority does not where its gate is shut."""
    return Commands(start=f"{installation.releases.root}/current/bin/vermilion log gate")


def signed_since(installation: Installation) -> int:
    """The authority signs 1000 entries more; the length then."""
    before = entries_of(installation.home.database)
    sign = SignedCheckpoint(before + 1000, secrets.token_bytes(32))
    in_store(installation, lambda store: store.checkpoints.remember(sign))
    return before + 1000


def test_the_authority_starts_although_a_witness_knows_what_was_forgotten(
    upgraded: Installation, witness: Callable[[Installation], Witness], monkeypatch: pytest.MonkeyPatch
) -> None:
    after = signed_since(upgraded)
    witness(upgraded).knows(after)
    monkeypatch.setattr(Release, "probe", lambda *_given: None)  # nothing serves here
    with pytest.raises(UpgradeRefused, match="Going back"):
        roll_back(upgraded.home, upgraded.releases, NOBODY)
    assert accepted_losses(upgraded.home) == {}

    # Nothing is accepted while something stands in the way of going back.
    beside = upgraded.home.database.with_name("vermilion.db-wal")
    beside.unlink(missing_ok=True)
    beside.mkdir()
    with pytest.raises(UpgradeRefused, match="A directory stands at"):
        roll_back(upgraded.home, upgraded.releases, NOBODY, forget_newer=True)
    beside.rmdir()
    assert accepted_losses(upgraded.home) == {}

    given = ["--root", str(upgraded.releases.root), "--forget-newer", "--start", gated(upgraded).start]
    context = Context(upgraded.home, Terminal(Language.ENGLISH))
    done = CliRunner().invoke(rollback_command, given, obj=context)

    assert done.stdout == (
        "Release 1.0 is the current one again.\n"
        f"Witnesses may have cosigned up to {after} entries of this log; what is missing of them is accepted as"
        " lost. Tell the auditors.\n"
    )
    assert accepted_losses(upgraded.home) == {KEY.vkey(): after}


def test_what_the_gate_saw_of_the_longer_log_is_forgotten(upgraded: Installation) -> None:
    """The authority would not start with it, as it has signed less now; also where no witness has a say."""
    signed_since(upgraded)
    upgraded.home.gate.mkdir()
    kept = upgraded.home.gate / "checkpoint"
    kept.touch()
    with pytest.raises(UpgradeRefused, match="Going back"):
        roll_back(upgraded.home, upgraded.releases, NOBODY)
    assert kept.exists()
    roll_back(upgraded.home, upgraded.releases, NOBODY, forget_newer=True)
    assert not kept.exists()


def test_a_witness_that_knows_more_than_was_signed_here_is_believed(
    upgraded: Installation, witness: Callable[[Installation], Witness]
) -> None:
    """Somebody has set the volume back, and goes back to the release before to hide it."""
    after = signed_since(upgraded)
    witness(upgraded).knows(after + 1)
    with pytest.raises(UpgradeRefused, match=f"knows {after + 1} entries"):
        roll_back(upgraded.home, upgraded.releases, gated(upgraded), forget_newer=True)


def test_a_checkpoint_of_since_over_entries_of_before_keeps_nothing_from_starting(
    installation: Installation, witness: Callable[[Installation], Witness], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The upgrade came before the log was signed up to its end; the newer release signed and published that. Its
    timestamp is lost, and so the older database does not have the checkpoint, though all that it is over."""
    with closing(sqlite.connect(installation.home.database)) as database, database:
        [(number,)] = database.execute("SELECT max(number) + 1 FROM ledger").fetchall()
        database.execute("INSERT INTO ledger (number, leaf) VALUES (?, ?)", (number, b"{}"))
    begun(installation, UpgradeStep.BACKED_UP)
    upgrade(installation.home, installation.releases, "1.1", NOBODY, now=utc_now())
    signed = SignedCheckpoint(number + 1, secrets.token_bytes(32))
    in_store(installation, lambda store: store.checkpoints.remember(signed))
    with closing(sqlite.connect(installation.home.database)) as database, database:
        database.execute("INSERT INTO ledger (number, leaf) VALUES (?, ?)", (number + 1, b"{}"))
    witness(installation).knows(signed.size)
    monkeypatch.setattr(Release, "probe", lambda *_given: None)  # nothing serves here
    roll_back(installation.home, installation.releases, gated(installation), forget_newer=True)
    assert entries_of(installation.home.database) == signed.size
    assert accepted_losses(installation.home) == {KEY.vkey(): signed.size}


@pytest.mark.parametrize("migrates", [True, False])
def test_where_no_entry_is_lost_no_loss_is_accepted(
    installation: Installation, witness: Callable[[Installation], Witness], migrates: bool
) -> None:
    after = "1.1" if migrates else "1.4"
    if not migrates:
        add_release(installation.releases.root, after)
    begun(installation, UpgradeStep.BACKED_UP, after, migrates=migrates)
    upgrade(installation.home, installation.releases, after, NOBODY, now=utc_now())
    witness(installation).knows(entries_of(installation.home.database) + 1)
    with pytest.raises(UpgradeRefused, match="The authority does not start"):
        roll_back(installation.home, installation.releases, gated(installation), forget_newer=True)
    assert accepted_losses(installation.home) == {}
