"""What takes two persons is signed by both, by keys that root has confirmed; whoever performs believes nobody
else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from webauthn.helpers import base64url_to_bytes

from appliance.administration.action import ExecutedBy
from appliance.administration.signatures import SignedRequest
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.model.administration import (
    ROOT,
    AdministratorRole,
    AdminRequest,
    AdminRequestState,
    DualControlRole,
)
from appliance.store.administration import admin_requests
from appliance.store.database import Transaction
from hsm.errors import AuthorityUnreachable
from tests.accounts.device import Device
from tests.administration.conftest import Site, confirm_key, opened_site, writing

S, Y = AdministratorRole.SYSTEM, AdministratorRole.SECURITY
UPGRADE = {"version": "1.4.0"}
TRIED = "This is done on an appliance alone; in development there is `{command}`."
UNSIGNED = "{who} has not signed this act; it was not done."


DEVICES: dict[str, Device] = {}
"""Whose counter has to go on from test to test."""


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with three who have a key that counts, and one whose key root has not confirmed."""
    root = tmp_path_factory.mktemp("signatures")
    with opened_site(root) as site:
        for login, role in (("sun", S), ("kong", S), ("shi", Y)):
            site.set_up_with_key(login, role)
        site.register(site.set_up("lan", Y))
        DEVICES.update(site.devices)
    return root


@pytest.fixture
def site(estate: Path) -> Iterator[Site]:
    """The console: it attests nothing, and performs nothing of root's."""
    with opened_site(estate, hands=frozenset(), attests=False) as site:
        site.devices = DEVICES
        site.later(minutes=10)
        yield site


@contextmanager
def privileged_helper(estate: Path) -> Iterator[Site]:
    """Root's side, ten minutes later."""
    with opened_site(estate, hands=frozenset({ExecutedBy.PRIVILEGED_HELPER}), attests=False) as site:
        site.later(minutes=20)
        yield site


def outcome(act: AdminRequest) -> str:
    assert act.outcome is not None
    return act.outcome.template


def test_two_sign_and_the_steward_is_told(site: Site) -> None:
    act = site.ask_signed("release.upgrade", UPGRADE, "sun")
    answer = site.sign(act, DualControlRole.APPROVES, "shi")
    decided = site.administration.requests.approve_request(act.id, by=site.actor("shi"), answer=answer)
    assert "steward does not answer" in outcome(decided), "there is none here"


def under_way(site: Site, act: AdminRequest, login: str = "shi") -> None:
    """As the console writes it down when *login* has approved."""
    with writing(site) as tx:
        admin_requests.insert_signature(
            tx, act.id, DualControlRole.APPROVES, login, site.sign(act, DualControlRole.APPROVES, login)
        )
        assert admin_requests.decide(tx, act.id, AdminRequestState.PERFORMING, by=login, now=site.at)


def test_root_verifies_both_and_does_it_once(site: Site, estate: Path) -> None:
    act = site.ask_signed("release.upgrade", UPGRADE, "sun")
    under_way(site, act)
    with privileged_helper(estate) as root:
        assert outcome(root.administration.executor.execute_request(act.id)) == TRIED
        with writing(site) as tx:  # the console makes of it an act that nobody has begun
            tx.execute(
                "UPDATE acts SET state = 'performing', started = NULL, ended = NULL, outcome = NULL WHERE id = ?",
                (act.id,),
            )
        assert outcome(root.administration.executor.execute_request(act.id)) == "{id} was performed already."


def without_the_author(tx: Transaction, act: AdminRequest) -> None:
    tx.execute("DELETE FROM signatures WHERE act = ? AND part = 'asks'", (act.id,))


def another_release(tx: Transaction, act: AdminRequest) -> None:
    effect = act.effect.replace("1.4.0", "6.6.6")
    tx.execute(
        "UPDATE acts SET arguments = ?, effect = ? WHERE id = ?",
        (json.dumps({"version": "6.6.6"}), effect, act.id),
    )


def another_author(tx: Transaction, act: AdminRequest) -> None:
    tx.execute("UPDATE acts SET asked_by = 'root' WHERE id = ?", (act.id,))


def the_authors_twice(tx: Transaction, act: AdminRequest) -> None:
    tx.execute(
        "UPDATE signatures SET answer = (SELECT answer FROM signatures WHERE act = ?1 AND part = 'asks')"
        " WHERE act = ?1 AND part = 'approves'",
        (act.id,),
    )


def a_key_of_its_own(tx: Transaction, act: AdminRequest) -> None:
    """Planted in the database, where the console keeps keys."""
    device = Device("http://localhost:8082")
    public = bytes.fromhex(device.inside.credential()["public_key"])
    tx.execute(
        "INSERT INTO passkeys (credential, login, public_key, sign_count, label, added)"
        " VALUES (?, 'shi', ?, 0, 'planted', '2026-11-25T08:00:00Z')",
        (device.inside.credential_id, public),
    )
    genuine = json.loads(admin_requests.signature_answer(tx, act.id, DualControlRole.APPROVES) or "")
    challenge = json.loads(base64url_to_bytes(genuine["response"]["clientDataJSON"]))["challenge"]
    tx.execute(
        "UPDATE signatures SET answer = ? WHERE act = ? AND part = 'approves'",
        (device.get(json.dumps({"challenge": challenge})), act.id),
    )


@pytest.mark.parametrize(
    "change", [without_the_author, another_release, another_author, the_authors_twice, a_key_of_its_own]
)
def test_what_the_console_makes_up_root_does_not_do(
    site: Site, estate: Path, change: Callable[[Transaction, AdminRequest], None]
) -> None:
    act = site.ask_signed("release.upgrade", UPGRADE, "sun")
    under_way(site, act)
    with writing(site) as tx:
        change(tx, act)
    with privileged_helper(estate) as root:
        assert outcome(root.administration.executor.execute_request(act.id)) == UNSIGNED


def test_a_signature_is_worth_a_day(site: Site, estate: Path) -> None:
    """Whoever keeps signed acts back gets nothing done with them later."""
    act = site.ask_signed("release.upgrade", UPGRADE, "sun")
    under_way(site, act)
    with privileged_helper(estate) as root:
        root.later(hours=24)
        assert (
            outcome(root.administration.executor.execute_request(act.id))
            == "{id} was asked for too long ago; ask anew."
        )


def test_a_kind_of_administrator_is_the_one_that_root_saw(site: Site, estate: Path) -> None:
    """The console makes a security administrator of one who runs the machine."""
    act = site.ask_signed("release.upgrade", UPGRADE, "sun")
    with writing(site) as tx:
        tx.execute("UPDATE administrators SET role = 'security' WHERE login = 'kong'")
    under_way(site, act, "kong")
    with privileged_helper(estate) as root:
        assert outcome(root.administration.executor.execute_request(act.id)) == UNSIGNED


def test_without_a_key_that_counts_nothing_is_asked_for_or_approved(site: Site) -> None:
    requests, lan = site.administration.requests, site.actor("lan")
    act = site.ask_signed("release.upgrade", UPGRADE, "sun")
    assert requests.signing_options(act, DualControlRole.APPROVES, by=lan) is None
    genuine = site.sign(act, DualControlRole.APPROVES, "shi")
    for answer in (None, "", "{}", genuine):
        with pytest.raises(StateRefused, match="vermilion administrators confirm"):
            requests.approve_request(act.id, by=lan, answer=answer)
    with pytest.raises(StateRefused, match="vermilion do"):
        requests.submit_request("release.upgrade", UPGRADE, by=site.actor("sun"))
    assert requests.find_request(act.id).state is AdminRequestState.WAITING


@pytest.mark.parametrize("answer", ["", "null", "[]", "{}", '{"rawId": 5}', "x" * 30_000, "[" * 20_000])
def test_what_is_no_answer_approves_nothing(site: Site, answer: str) -> None:
    act = site.ask_signed("release.upgrade", UPGRADE, "sun")
    with pytest.raises(PreconditionRefused, match="exactly this act"):
        site.administration.requests.approve_request(act.id, by=site.actor("shi"), answer=answer)
    assert site.administration.requests.find_request(act.id).state is AdminRequestState.WAITING


def test_an_answer_is_for_one_act_one_person_and_one_part(site: Site) -> None:
    requests = site.administration.requests
    act, other = (site.ask_signed("release.upgrade", UPGRADE, "sun") for _ in range(2))
    for answer in (
        site.sign(other, DualControlRole.APPROVES, "shi"),
        site.sign(act, DualControlRole.ASKS, "shi"),
    ):
        with pytest.raises(PreconditionRefused):
            requests.approve_request(act.id, by=site.actor("shi"), answer=answer)


def test_a_page_of_the_portal_cannot_ask_for_it(site: Site) -> None:
    """It may have the same host name; its origin is another one."""
    act = site.ask_signed("release.upgrade", UPGRADE, "sun")
    device = site.devices["shi"]
    device.origin = device.inside.origin = "http://localhost:8080"
    answer = site.sign(act, DualControlRole.APPROVES, "shi")
    device.origin = device.inside.origin = site.settings.console.origin
    with pytest.raises(PreconditionRefused):
        site.administration.requests.approve_request(act.id, by=site.actor("shi"), answer=answer)


def test_a_page_asks_once_and_soon(site: Site) -> None:
    requests, sun = site.administration.requests, site.actor("sun")
    draft = requests.draft_request("release.upgrade", UPGRADE, by=sun)
    signed = SignedRequest(draft.id, draft.asked, site.sign(draft, DualControlRole.ASKS, "sun"))
    requests.submit_request("release.upgrade", UPGRADE, by=sun, signed=signed)
    with pytest.raises(StateRefused, match="already"):
        requests.submit_request("release.upgrade", UPGRADE, by=sun, signed=signed)
    with pytest.raises(StateRefused, match="too old"):
        old = replace(signed, request_id="0" * 12, asked=site.at - timedelta(minutes=11))
        requests.submit_request("release.upgrade", UPGRADE, by=sun, signed=old)
    with pytest.raises(PreconditionRefused, match="exactly this act"):
        requests.submit_request(
            "release.upgrade", {"version": "1.5.0"}, by=sun, signed=replace(signed, request_id="1" * 12)
        )


@pytest.mark.parametrize(
    ("request_id", "asked"),
    [
        ("", ""),
        ("0" * 12, "yesterday"),
        ("0" * 12, "2026-13-45T08:00:00Z"),
        ("0" * 12, "0001-01-01T00:00:00+08:00"),
        ("../etc/passwd", "2026-11-25T08:00:00Z"),
    ],
)
def test_what_is_no_page_of_ours_is_refused(request_id: str, asked: str) -> None:
    with pytest.raises(StateRefused):
        SignedRequest.from_page(request_id, asked, "{}")


def test_what_takes_one_person_takes_no_key(site: Site) -> None:
    act = site.administration.requests.submit_request(
        "administrators.suspend", {"login": "nobody"}, by=site.actor("lan")
    )
    assert act.persons == 1


def test_root_confirms_what_the_owner_reads_out_and_nothing_else(estate: Path) -> None:
    with opened_site(estate) as root:
        confirming = root.administration.confirming
        [mine] = root.administration.own.passkeys_of("lan")
        assert not mine.counts
        for login, fingerprint in (("lan", "0000"), ("sun", mine.fingerprint), ("nobody", mine.fingerprint)):
            with pytest.raises(NotFound):
                confirm_key(confirming, login, fingerprint)
        confirm_key(confirming, "lan", mine.fingerprint.upper().replace(" ", ""))
        assert root.administration.own.passkeys_of("lan")[0].counts
        with pytest.raises(StateRefused):
            confirm_key(confirming, "lan", mine.fingerprint)
        assert confirming.unconfirm("lan")[0] == 1
        assert not root.administration.own.passkeys_of("lan")[0].counts
        with pytest.raises(NotFound):
            confirming.unconfirm("lan", "0000")
        with pytest.raises(AuthorityUnreachable):  # it may have been silent the first time: it is asked again
            confirming.unconfirm("lan")
        assert root.told()[-2:] == ["passkey-confirmed", "passkey-unconfirmed"]


def test_root_asks_and_hears_an_approval_on_the_machine(estate: Path) -> None:
    """Without any passkey: root's command has asked for password and code, and writes down that it did."""
    with opened_site(estate, hands=frozenset({ExecutedBy.PRIVILEGED_HELPER})) as root:
        act = root.administration.requests.submit_request("release.upgrade", UPGRADE, by=ROOT)
        done = root.administration.requests.approve_request(act.id, by=root.actor("lan"))
    assert outcome(done) == TRIED


def test_the_console_cannot_claim_to_be_root(site: Site) -> None:
    with pytest.raises(StateRefused):
        site.administration.requests.submit_request("release.upgrade", UPGRADE, by=ROOT)
