"""The authority's own database, as somebody finds it who changed it from outside."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite

from hsm.errors import ConfigurationRefused
from hsm.schema import apply_script
from hsm.store import Approval, AuthorityStore, Credential


@pytest.mark.parametrize("statement", ["DROP TRIGGER checkpoints_remain", "CREATE TABLE hidden (x)"])
def test_a_schema_that_was_changed_is_refused(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "authority.db"
    AuthorityStore(path).close()
    AuthorityStore(path).close()
    connection = sqlite.connect(path)
    connection.execute(statement)
    connection.close()
    with pytest.raises(ConfigurationRefused, match="changed from outside"):
        AuthorityStore(path)


def test_a_store_of_the_first_release_is_brought_up_with_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "authority.db"
    connection = sqlite.connect(path, isolation_level=None)
    first = resources.files("hsm.store").joinpath("migrations/0001_store.sql").read_text(encoding="utf-8")
    apply_script(connection, first)
    connection.execute("PRAGMA user_version = 1")
    connection.execute("INSERT INTO subjects VALUES ('person-kept', 'person', '张示例', '甲公司', 7)")
    connection.close()

    store = AuthorityStore(path)

    assert store.people.subject("person-kept").name == "张示例"
    assert store.setup.unused(0) == []
    store.close()


def test_a_store_from_before_registrations_takes_them(tmp_path: Path) -> None:
    """What its people activate with stays, and says of no form that it led there."""
    path = tmp_path / "authority.db"
    connection = sqlite.connect(path, isolation_level=None)
    for migration in sorted(
        resources.files("hsm.store").joinpath("migrations").iterdir(), key=lambda each: each.name
    ):
        if migration.name < "0007":
            apply_script(connection, migration.read_text(encoding="utf-8"))
    connection.execute("PRAGMA user_version = 6")
    connection.execute("INSERT INTO subjects VALUES ('person-kept', 'person', '张示例', '甲公司', 7)")
    connection.execute(
        "INSERT INTO credentials (subject, kind, credential_id, public_key, sign_count, added)"
        " VALUES ('person-kept', 'webauthn', x'01', x'02', 5, 7)"
    )
    connection.close()

    store = AuthorityStore(path)

    known = store.people.webauthn("person-kept", b"\x01")
    assert known is not None and (known.sign_count, known.reference) == (5, None)
    assert [each.reference for each in store.people.credentials("person-kept")] == [None]
    assert store.registrations.pending("person-kept", oldest=0) == []
    made = Credential(0, "person-kept", "webauthn", credential_id=b"\x03", public_key=b"\x04")
    with store.transaction():
        store.registrations.begin(bytes(32), "person-kept", now=1, expires=9)
        assert store.registrations.take(bytes(32), "person-kept", now=2)
        store.registrations.add_pending("aaaa", made, at=3, oldest=0)
    assert store.registrations.credential("person-kept", "aaaa", oldest=0).public_key == b"\x04"
    store.close()


def test_approvals_from_before_withdrawals_still_count(tmp_path: Path) -> None:
    path, nonce = tmp_path / "authority.db", bytes(16)
    connection = sqlite.connect(path, isolation_level=None)
    folder = resources.files("hsm.store").joinpath("migrations")
    for migration in sorted(folder.iterdir(), key=lambda each: each.name):
        if migration.name < "0008":
            apply_script(connection, migration.read_text(encoding="utf-8"))
    connection.execute("PRAGMA user_version = 7")
    connection.execute("INSERT INTO subjects VALUES ('person-kept', 'person', '张示例', '甲公司', 7)")
    connection.execute(
        "INSERT INTO credentials (number, subject, kind, credential_id, public_key, sign_count, added)"
        " VALUES (3, 'person-kept', 'webauthn', x'01', x'02', 5, 7)"
    )
    connection.execute(
        "INSERT INTO approvals (nonce, subject, challenge, credential, strength, approved, expires)"
        " VALUES (zeroblob(16), 'person-kept', zeroblob(32), 3, 'webauthn', 8, 9)"
    )
    connection.close()

    store = AuthorityStore(path)

    given = Approval("person-kept", bytes(32), "webauthn")
    assert store.approvals.for_nonce(nonce) == [given]
    store.approvals.take_back(nonce, "person-kept", at=9)
    assert store.approvals.for_nonce(nonce) == []
    store.approvals.add_approval(nonce, given, credential=3, at=9, expires=10)
    assert store.approvals.for_nonce(nonce) == [given]
    store.close()
    connection = sqlite.connect(path)
    for change in (
        "SET withdrawn = 5",
        "SET strength = 'pin-totp'",
        "SET withdrawn = NULL",
        "SET approved = 1, withdrawn = 2",
    ):
        with pytest.raises(sqlite.IntegrityError, match="never changed"):
            connection.execute(f"UPDATE approvals {change}")
    connection.close()


def test_a_store_of_a_later_release_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "authority.db"
    AuthorityStore(path).close()
    connection = sqlite.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ConfigurationRefused, match="schema 99"):
        AuthorityStore(path)
