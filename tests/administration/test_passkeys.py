"""The keys with which administrators sign: root's list of those that count, and what was removed."""

from __future__ import annotations

from pathlib import Path

import pysqlite3
import pytest

from appliance.administration.signatures import SignedRequest
from appliance.errors import NotFound, PreconditionRefused, StateRefused, StorageError
from appliance.model.administration import (
    ROOT,
    AdministratorRole,
    DualControlRole,
)
from appliance.store.administration import ADMINISTRATION
from appliance.store.database import Database
from tests.administration.conftest import confirm_key, opened_site, writing

Y = AdministratorRole.SECURITY


def test_who_cannot_write_there_confirms_nothing(tmp_path: Path) -> None:
    with opened_site(tmp_path) as site:
        fingerprint = site.register(site.set_up("sun"))
        site.settings.home.confirmed.mkdir()
        (site.settings.home.confirmed / "keys").write_bytes(b"no directory")
        with pytest.raises(StorageError, match="Only root"):
            confirm_key(site.administration.confirming, "sun", fingerprint)
        assert "passkey-confirmed" not in site.told()


def test_what_cannot_be_told_does_not_count(tmp_path: Path) -> None:
    """The administration's database takes nothing any more: no key counts that no journal knows."""
    with opened_site(tmp_path) as site:
        fingerprint = site.register(site.set_up("sun"))
        with writing(site) as tx:
            tx.execute("CREATE TRIGGER full BEFORE INSERT ON journal BEGIN SELECT RAISE (ABORT, 'no room'); END")
        with pytest.raises(pysqlite3.IntegrityError, match="no room"):
            confirm_key(site.administration.confirming, "sun", fingerprint)
        assert not [each for each in site.administration.own.passkeys_of("sun") if each.counts]


def test_roots_folder_is_read_by_who_reads_the_administration_and_written_by_nobody(tmp_path: Path) -> None:
    """Also where provisioning has not made it, as after a change of release alone."""
    with opened_site(tmp_path) as site:
        fingerprint = site.register(site.set_up("sun"))
        site.settings.home.administration.parent.chmod(0o2770)
        confirm_key(site.administration.confirming, "sun", fingerprint)
        confirmed = site.settings.home.confirmed
        [key] = (confirmed / "keys").iterdir()
        beside = site.settings.home.administration.parent.stat().st_gid
        assert [oct(path.stat().st_mode & 0o7777) for path in (confirmed, confirmed / "keys", key)] == [
            "0o2750",
            "0o2750",
            "0o640",
        ]
        assert {path.stat().st_gid for path in (confirmed, confirmed / "keys", key)} == {beside}


def test_a_reset_ends_passkeys_too(tmp_path: Path) -> None:
    with opened_site(tmp_path) as root:
        root.set_up_with_key("shi", Y)
        root.administration.administrators.reset("shi", by=ROOT)
        assert root.administration.own.passkeys_of("shi") == []
        assert root.administration.confirming.confirmed() == []


def test_a_person_has_few_passkeys_and_removes_them(tmp_path: Path) -> None:
    with opened_site(tmp_path) as site:
        opened = site.set_up("sun")
        prints = [site.register(opened) for _ in range(5)]
        assert len(set(prints)) == 5
        with pytest.raises(PreconditionRefused, match="most"):
            site.register(opened)
        presence = site.administration.sessions.find_holder(opened.secret)
        assert presence is not None
        site.administration.own.remove_passkey(presence, prints[0])
        with pytest.raises(NotFound):
            site.administration.own.remove_passkey(presence, prints[0])
        assert len(site.administration.own.passkeys_of("sun")) == 4


def test_a_passkey_that_was_removed_signs_nothing_and_does_not_come_back(tmp_path: Path) -> None:
    """Although root has confirmed it still: its counter is not kept, and a copy would begin with a fresh one."""
    with opened_site(tmp_path, attests=False) as site:
        site.set_up_with_key("lan", Y)
        device, requests, by = site.devices["lan"], site.administration.requests, site.actor("lan")
        draft = requests.draft_request("administrators.reset", {"login": "sun"}, by=by)
        options = requests.signing_options(draft, DualControlRole.ASKS, by=by)
        assert options is not None
        opened = site.sign_in("lan")
        presence = site.administration.sessions.find_holder(opened.secret)
        assert presence is not None
        own = site.administration.own
        own.remove_passkey(presence, own.passkeys_of("lan")[0].fingerprint)

        assert site.administration.confirming.confirmed(), "root has not taken it back"
        assert requests.signing_options(draft, DualControlRole.ASKS, by=by) is None
        with pytest.raises(StateRefused, match="has none that counts"):
            signed = SignedRequest(draft.id, draft.asked, device.get(options))
            requests.submit_request("administrators.reset", {"login": "sun"}, by=by, signed=signed)
        offer = own.offer_registration(presence)
        with pytest.raises(StateRefused, match="or was and is removed"):
            own.add_passkey(presence, offer.ticket, device.create(offer.options), "again")
        assert own.passkeys_of("lan") == []
        confirm_key(site.administration.confirming, "lan", site.register(opened))
        assert requests.signing_options(draft, DualControlRole.ASKS, by=by) is not None


def test_what_was_removed_is_removed_for_good(tmp_path: Path) -> None:
    with opened_site(tmp_path) as site:
        site.register(site.set_up("lan"))
        site.administration.administrators.reset("lan", by=ROOT)
        for statement, why in (
            ("UPDATE passkeys SET removed = NULL", "does not come back"),
            ("UPDATE passkeys SET sign_count = 0", "does not come back"),
            ("DELETE FROM passkeys", "not forgotten"),
        ):
            database = Database(site.settings.home.administration, ADMINISTRATION)
            with pytest.raises(pysqlite3.IntegrityError, match=why), database.transaction() as tx:
                tx.execute(statement)
            database.close()
