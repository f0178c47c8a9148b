"""Outside signers carry their own organisation's name, which nobody else gains by it, and have no power here.

What the web process, taken over, gets at the authority's socket.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from pysqlite3 import dbapi2 as sqlite

from hsm.authenticator import SoftwareAuthenticator
from hsm.errors import ActivationRefused, BadRequest, CertificateRefused
from hsm.names import same_organisation
from tests.authority import (
    ORGANISATION,
    ORIGIN,
    RP_ID,
    RunningAuthority,
    end,
    intent_for,
    running_authority,
    start,
)

OUTSIDE = "丁公司外部有限公司"


def test_an_outside_signer_is_of_the_organisation_that_the_officer_saw(authority: RunningAuthority) -> None:
    authority.enrol_person("person-guest-0123456789ab", organisation=OUTSIDE)
    certificate = x509.load_der_x509_certificate(authority.client("web").certificate("person-guest-0123456789ab"))
    (organisation,) = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    assert organisation.value == OUTSIDE


def test_nobody_else_may_be_named_after_it(authority: RunningAuthority) -> None:
    authority.enrol_person("person-guest-ba9876543210", organisation=OUTSIDE)
    with pytest.raises(CertificateRefused, match="may name"):
        authority.enrol_person("person-insider", organisation=OUTSIDE)


@pytest.mark.parametrize(
    "organisation",
    [ORGANISATION, "甲公司　示例有限责任公司", "甲公司示例", "甲公司（示例）有限公司", "甲公司示例 Co., Ltd."],
)
def test_an_outside_signer_is_not_named_after_the_house(authority: RunningAuthority, organisation: str) -> None:
    with pytest.raises(CertificateRefused, match="of this house"):
        authority.enrol_person("person-guest-00000000000a", organisation=organisation)


SAME = [
    ("Acme Ltd", "ＡＣＭＥ  Co., Limited"),
    ("Acme Ltd", "acme, ltd."),
    ("Acme, Inc.", "ACME Incorporated"),
    ("Acme Ltd", "Acme"),
    ("Acme Ltd", "Ac\u200bme L t d"),
    ("甲公司有限公司", "甲公司　有限责任公司"),
    ("甲公司有限公司", "甲公司\u200b有限公司"),
    ("甲（上海）有限公司", "甲(上海)有限公司"),
    ("Straße GmbH", "STRASSE gmbh"),
]
OTHER = [
    ("Acme Ltd", "Acme GmbH"),
    ("Acme Ltd", "Acme Inc."),
    ("甲公司有限公司", "甲公司股份有限公司"),
    ("甲公司有限公司", "乙公司有限公司"),
    ("Ltd", "Limited"),
    ("", ""),
    ("Acme", ""),
    ("Zinc", "Z"),
    ("Acme Ltd", "Acme Pte Ltd"),
]


def test_which_names_are_the_same() -> None:
    for one, other in SAME:
        assert same_organisation(one, other) and same_organisation(other, one), (one, other)
    for one, other in OTHER:
        assert not same_organisation(one, other) and not same_organisation(other, one), (one, other)


GUEST, SECOND_GUEST = "person-guest-aaaaaaaaaaaa", "person-guest-bbbbbbbbbbbb"
SEAL, TAKEN = "seal-house", "seal-taken"


@pytest.fixture(scope="module")
def from_before() -> Iterator[tuple[RunningAuthority, dict[str, SoftwareAuthenticator]]]:
    """An authority whose store an earlier release has left: two guests have the house's name; one keeps a seal."""
    with running_authority(workers=1) as own:
        devices = {each: own.enrol_person(each) for each in ("person-asking", "person-first", "person-second")}
        devices |= {each: own.enrol_person(each, organisation=OUTSIDE) for each in (GUEST, SECOND_GUEST)}
        own.enrol_seal(SEAL, ["person-first", "person-second"])
        own.enrol_seal(TAKEN, ["person-first"])
        end(own.process)
        _as_before(own)
        own.process = start(own.root)
        yield own, devices


def _as_before(own: RunningAuthority) -> None:
    """The store with schema 4, as a release that knew no outside signers could leave it."""
    store = sqlite.connect(own.root / "authority/authority.db", isolation_level=None)
    for later in (
        "outside_signers",
        "recovery_codes",
        "registrations",
        "pending_credentials",
        "withdrawn_intents",
        "batch_members",
        "officers_required",
        "power_statements",
        "powers_stated",
        "anchor_statements",
        "removed_custodians",
        "outside_seals",
        "vouchings",
    ):
        store.execute(f"DROP TABLE {later}")
    store.execute("ALTER TABLE credentials DROP COLUMN reference")
    store.execute("PRAGMA user_version = 4")
    store.execute("UPDATE subjects SET organisation = ? WHERE subject LIKE 'person-guest-%'", (ORGANISATION,))
    store.executemany("INSERT INTO custodians (seal, person) VALUES (?, ?)", [(SEAL, GUEST), (TAKEN, GUEST)])
    store.execute("DELETE FROM custodians WHERE seal = ? AND person = 'person-first'", (TAKEN,))
    store.close()


def test_guests_that_an_earlier_release_let_in_release_no_seal(
    from_before: tuple[RunningAuthority, dict[str, SoftwareAuthenticator]],
) -> None:
    own, devices = from_before
    web = own.client("web")
    assert web.seal(SEAL).custodians == ("person-first", "person-second")
    for by in ([GUEST, "person-first"], ["person-asking", GUEST], [GUEST, SECOND_GUEST]):
        intent = intent_for(SEAL)
        for each in by:
            if each.startswith("person-guest-"):
                said = own.refuses(web.sign_document, intent, devices[each].activate(each, intent))
                assert "two persons of its organisation" in said
            else:
                own.confirm(devices[each], each, intent)
        if web.approvals(intent).given:
            with pytest.raises(ActivationRefused, match="two persons of its organisation"):
                web.sign_document(intent)
    intent = replace(intent_for(SEAL), custodians=2)
    for each in ("person-first", "person-second"):
        own.confirm(devices[each], each, intent)
    said = own.refuses(web.sign_document, intent, devices[GUEST].activate(GUEST, intent))
    assert "three persons of its organisation" in said
    with pytest.raises(ActivationRefused, match="three persons of its organisation"):
        web.sign_document(intent)
    assert own.sign(intent_for(SEAL), *((devices[each], each) for each in ("person-asking", "person-first")))


def test_a_seal_that_only_a_guest_keeps_waits_for_a_custodian(
    from_before: tuple[RunningAuthority, dict[str, SoftwareAuthenticator]],
) -> None:
    own, devices = from_before
    web = own.client("web")
    intent = intent_for(TAKEN)
    own.refuses(web.sign_document, intent, devices[GUEST].activate(GUEST, intent))
    own.confirm(devices["person-asking"], "person-asking", intent)
    own.refuses(web.sign_document, intent, devices[GUEST].activate(GUEST, intent))
    assert web.seal(TAKEN).custodians == ()
    for custodian, refused in ((GUEST, True), ("person-first", False)):
        act = own.officer_act("add_custodian", subject=TAKEN, custodian=custodian)
        if refused:
            with pytest.raises(CertificateRefused, match="no person of"):
                own.officer_does(web.add_custodian, act)
        else:
            own.officer_does(web.add_custodian, act)
    intent = intent_for(TAKEN)
    by = ("person-asking", "person-first")
    assert own.sign(intent, *((devices[each], each) for each in by))


def test_guests_get_no_power_by_any_act(
    from_before: tuple[RunningAuthority, dict[str, SoftwareAuthenticator]],
) -> None:
    own, devices = from_before
    web = own.client("web")
    with pytest.raises(CertificateRefused, match="no person of"):
        own.enrol_seal("seal-of-guests", [GUEST])
    for kind, operation in (("enrol_officer", web.enrol_officer), ("enrol_keeper", web.enrol_pin_custodian)):
        person = {"subject": GUEST, "name": "张示例", "organisation": ORGANISATION}
        made = own.register(GUEST, SoftwareAuthenticator.create(RP_ID, ORIGIN))
        named = [devices[GUEST].credential()] if kind == "enrol_keeper" else [made]
        act = own.officer_act(kind, **person, credentials=named)
        with pytest.raises(BadRequest, match="named"):
            own.officer_does(operation, act)
    act = own.officer_act("resume_seal", subject=SEAL)
    with pytest.raises(ActivationRefused, match="officers"):
        own.confirm(devices[GUEST], GUEST, act)
    assert ORGANISATION in web.organisations()
    assert OUTSIDE not in web.organisations()
    intent = intent_for(SECOND_GUEST)  # their own contract they may still sign
    assert own.sign(intent, (devices[SECOND_GUEST], SECOND_GUEST))
