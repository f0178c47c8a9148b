"""First officers by set-up codes: each code once, in time, and never by guessing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pysqlite3 import dbapi2 as sqlite

from hsm.authenticator import SoftwareAuthenticator
from hsm.errors import (
    ActivationLocked,
    ActivationRefused,
    AuthorityError,
    BadRequest,
    CertificateRefused,
    NotPermitted,
)
from hsm.store.ceremonies import digest_of, new_code
from tests.authority import ORGANISATION, ORIGIN, RP_ID, RunningAuthority, running_authority


@pytest.fixture
def fresh() -> Iterator[RunningAuthority]:
    with running_authority(workers=1) as own:
        yield own


def code_of(authority: RunningAuthority) -> str:
    return (authority.root / "secrets/setup.code").read_text().strip()


def details(**changes: object) -> dict[str, object]:
    credential = SoftwareAuthenticator.create(RP_ID, ORIGIN).credential()
    return {
        "subject": "officer-first",
        "name": "周见证",
        "organisation": ORGANISATION,
        "credential": credential,
        **changes,
    }


def test_a_code_makes_one_officer_who_can_enrol(fresh: RunningAuthority) -> None:
    web, device = fresh.client("web"), SoftwareAuthenticator.create(RP_ID, ORIGIN)
    assert web.appointment().codes == 1

    typed = code_of(fresh).lower().replace("-", " ")
    web.appoint_officer(typed, details(credential=device.credential()))

    assert (web.appointment().codes, web.appointment().until) == (0, None)
    person = SoftwareAuthenticator.create(RP_ID, ORIGIN).credential()
    act = fresh.officer_act(
        "enrol_person", subject="person-new", name="新示例", organisation=ORGANISATION, credentials=[person]
    )
    assert web.enrol_person(act, [device.activate("officer-first", act)])
    with pytest.raises(ActivationRefused, match="wrong, was used"):
        web.appoint_officer(code_of(fresh), details(subject="officer-next"))
    assert recorded(fresh) == [("setup-code", '{"act":"appoint_officer","subject":"officer-first"}')]


def recorded(authority: RunningAuthority) -> list[tuple[str, str]]:
    connection = sqlite.connect(authority.root / "authority/authority.db")
    try:
        return list(connection.execute("SELECT activated_by, act FROM acts WHERE act LIKE '%appoint_officer%'"))
    finally:
        connection.close()


def test_wrong_codes_are_counted_and_keep_nobody_out_who_has_the_right_one(fresh: RunningAuthority) -> None:
    web = fresh.client("web")
    for wrong in (new_code(), "", code_of(fresh)[:-1], "x" * 4000, "张" * 32):
        with pytest.raises(ActivationRefused, match="wrong, was used"):
            web.appoint_officer(wrong, details())
    fresh.restart()

    with pytest.raises(ActivationLocked):
        web.appoint_officer(new_code(), details())
    assert web.appointment().codes == 1
    web.appoint_officer(code_of(fresh), details())
    assert web.appointment().codes == 0


def test_codes_run_out(fresh: RunningAuthority) -> None:
    code = new_code()
    connection = sqlite.connect(fresh.root / "authority/authority.db")
    connection.execute("INSERT INTO setup_codes (digest, expires) VALUES (?, 1)", (digest_of(code),))
    connection.commit()
    connection.close()

    with pytest.raises(ActivationRefused, match="run out"):
        fresh.client("web").appoint_officer(code, details())


def test_only_a_sane_officer_is_appointed_and_a_refusal_costs_no_code(authority: RunningAuthority) -> None:
    web, code = authority.client("web"), code_of(authority)
    pin = {"kind": "pin-totp", "pin_hash": "x", "totp_secret": "y"}
    for change, kind in (
        ({"subject": "person-first"}, BadRequest),
        ({"subject": "officer-<b>"}, BadRequest),
        ({"subject": "officer-wang"}, CertificateRefused),
        ({"name": ""}, CertificateRefused),
        ({"name": "长" * 101}, CertificateRefused),
        ({"organisation": "别人的公司"}, CertificateRefused),
        ({"credential": pin}, BadRequest),
        ({"credential": None}, BadRequest),
        ({"credential": {**SoftwareAuthenticator.create("evil.example", ORIGIN).credential()}}, BadRequest),
    ):
        with pytest.raises(kind):
            web.appoint_officer(code, details(**change))
    assert web.appointment().codes == 1


def test_only_the_portal_appoints(authority: RunningAuthority) -> None:
    for role in ("operator", "tsa", "scheduler"):
        with pytest.raises(NotPermitted):
            authority.client(role).appoint_officer(code_of(authority), details())


def test_the_code_is_in_its_file_alone(authority: RunningAuthority) -> None:
    code = code_of(authority)
    assert (authority.root / "secrets/setup.code").stat().st_mode & 0o777 == 0o600
    assert len(code.replace("-", "")) == 32
    for path in authority.root.rglob("*"):
        if path.is_file() and path.name != "setup.code":
            content = path.read_bytes()
            assert code.encode() not in content and code.replace("-", "").encode() not in content, path


def test_wrong_codes_of_any_shape_are_refused_in_words(authority: RunningAuthority) -> None:
    for wrong in (None, 7, [], b"code"):
        with pytest.raises(AuthorityError) as caught:
            authority.client("web").ask("appoint_officer", {"code": wrong, "details": details()})
        assert isinstance(caught.value, BadRequest)
