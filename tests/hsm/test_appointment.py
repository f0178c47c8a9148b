"""First officers by set-up codes: each code once, in time, and never by guessing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pysqlite3 import dbapi2 as sqlite

from hsm.authenticator import SoftwareAuthenticator
from hsm.codec import encode
from hsm.errors import (
    ActivationLocked,
    ActivationRefused,
    AuthorityError,
    BadRequest,
    CertificateRefused,
    NotPermitted,
)
from hsm.intents import PasskeyRegistration
from hsm.store.ceremonies import digest_of, new_code
from tests.authority import ORGANISATION, ORIGIN, RP_ID, RunningAuthority, running_authority


@pytest.fixture
def fresh() -> Iterator[RunningAuthority]:
    with running_authority(workers=1) as own:
        yield own


def code_of(authority: RunningAuthority) -> str:
    return (authority.root / "secrets/setup.code").read_text().strip()


FIRST = "officer-first"
NAMED: dict[str, Any] = {
    "subject": FIRST,
    "name": "周见证",
    "organisation": ORGANISATION,
    "reference": "a form",
}


def device() -> SoftwareAuthenticator:
    return SoftwareAuthenticator.create(RP_ID, ORIGIN)


def answer(authority: RunningAuthority, by: SoftwareAuthenticator, subject: str = FIRST) -> PasskeyRegistration:
    """A registration by *subject*."""
    return by.register(authority.client("activation").begin_registration(subject).challenge)


def credentials(authority: RunningAuthority) -> list[object]:
    return list(authority.client("web").credentials(FIRST))


def test_a_code_makes_one_officer_who_can_enrol(fresh: RunningAuthority) -> None:
    web, own = fresh.client("web"), device()
    assert web.appointment().codes == 1

    typed = code_of(fresh).lower().replace("-", " ")
    fresh.appoint(typed, FIRST, own)

    assert (web.appointment().codes, web.appointment().until) == (0, None)
    [known] = web.credentials(FIRST)
    assert (known.credential_id, known.reference) == (own.credential_id, "a form")
    person = fresh.register("person-new", device())
    act = fresh.officer_act(
        "enrol_person", subject="person-new", name="新示例", organisation=ORGANISATION, credentials=[person]
    )
    fresh.confirm(own, FIRST, act)
    assert web.enrol_person(act)
    with pytest.raises(ActivationRefused, match="wrong, was used"):
        fresh.appoint(code_of(fresh), "officer-next", device())
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
            fresh.appoint(wrong, FIRST, device())
    fresh.restart()

    with pytest.raises(ActivationLocked):
        fresh.appoint(new_code(), FIRST, device())
    assert web.appointment().codes == 1
    fresh.appoint(code_of(fresh), FIRST, device())
    assert web.appointment().codes == 0


def test_codes_run_out(fresh: RunningAuthority) -> None:
    code = new_code()
    connection = sqlite.connect(fresh.root / "authority/authority.db")
    connection.execute("INSERT INTO setup_codes (digest, expires) VALUES (?, 1)", (digest_of(code),))
    connection.commit()
    connection.close()

    with pytest.raises(ActivationRefused, match="run out"):
        fresh.appoint(code, FIRST, device())


def test_only_a_sane_officer_is_appointed_and_a_refusal_costs_no_code(authority: RunningAuthority) -> None:
    service, code = authority.client("activation"), code_of(authority)
    used, late, another = (answer(authority, device()) for _ in range(3))
    wang = answer(authority, device(), "officer-wang")
    service.register_passkey(FIRST, used)
    refused: tuple[tuple[dict[str, Any], type[AuthorityError]], ...] = (
        ({"subject": "person-first"}, BadRequest),
        ({"subject": "officer-<b>"}, BadRequest),
        ({"subject": "officer-wang", "registration": wang}, CertificateRefused),
        ({"name": ""}, CertificateRefused),
        ({"name": "长" * 101}, CertificateRefused),
        ({"organisation": "别人的公司"}, CertificateRefused),
        ({"registration": replace(late, attestation_object=b"")}, ActivationRefused),
        ({"registration": replace(another, challenge=bytes(32))}, ActivationRefused),
        ({"registration": used}, ActivationRefused),
        ({"registration": answer(authority, device(), "officer-other")}, ActivationRefused),
        *(
            ({"registration": answer(authority, SoftwareAuthenticator.create(*where))}, ActivationRefused)
            for where in (("evil.example", ORIGIN), (RP_ID, "http://localhost:8080"))
        ),
    )
    for change, kind in refused:
        asked = {"code": code, **NAMED, "registration": answer(authority, device()), **change}
        with pytest.raises(kind):
            service.appoint_officer(**asked)
    with pytest.raises(BadRequest):
        service.ask("appoint_officer", {"code": code, **NAMED, "registration": None})
    with pytest.raises(BadRequest, match="authenticator"):
        service.register_pin(FIRST, "x", b"y", "000000")
    assert service.appointment().codes == 1
    assert credentials(authority) == []


def test_only_the_activation_service_appoints(authority: RunningAuthority) -> None:
    given = answer(authority, device())
    for role in ("web", "operator", "console", "tsa", "scheduler"):
        with pytest.raises(NotPermitted):
            authority.client(role).appoint_officer(
                code_of(authority), FIRST, "周见证", ORGANISATION, given, "a form"
            )
    assert credentials(authority) == []


def test_the_code_is_in_its_file_alone(authority: RunningAuthority) -> None:
    code = code_of(authority)
    assert (authority.root / "secrets/setup.code").stat().st_mode & 0o777 == 0o600
    assert len(code.replace("-", "")) == 32
    for path in authority.root.rglob("*"):
        if path.is_file() and path.name != "setup.code":
            content = path.read_bytes()
            assert code.encode() not in content and code.replace("-", "").encode() not in content, path


def test_wrong_codes_of_any_shape_are_refused_in_words(authority: RunningAuthority) -> None:
    named: dict[str, Any] = {
        "subject": FIRST,
        "name": "周见证",
        "organisation": ORGANISATION,
        "reference": "a form",
    }
    named["registration"] = encode(answer(authority, device()))
    for wrong in (None, 7, [], b"code"):
        with pytest.raises(AuthorityError) as caught:
            authority.client("activation").ask("appoint_officer", {**named, "code": wrong})
        assert isinstance(caught.value, BadRequest)
