"""Names in certificates: long ones are shortened where people see it, and stand in full in an extension."""

from __future__ import annotations

import tomllib
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from appliance.demonstration.new_home import NewHome
from hsm import der
from hsm.ceremony.plan import CeremonyPlan, parse
from hsm.certificates import CertificateRules, Issuer, Profile, is_outside
from hsm.errors import CertificateRefused, ConfigurationRefused
from hsm.names import (
    BOUND,
    FULL_NAME,
    LONGEST_ORGANISATION,
    LONGEST_PERSON,
    SubjectName,
    is_visible,
    name_in,
    passes_for,
    require_visible,
    same_organisation,
    visible,
)
from tests.hsm.memory import new_key, openssl

NOW = datetime.now(UTC)
LONG = {
    "64 letters": "A" * 64,
    "65 letters": "A" * 65,
    "200 letters": "A" * 200,
    "19 ideographs": "甲" * 19,
    "64 ideographs": "甲" * 64,
    "200 ideographs": "甲" * 200,
    "beyond the basic plane": "𠮷" * 66,
    "marks": "ß" * 30 + "q\u0323\u0307" * 40,
    "skin tones": "\U0001f44d\U0001f3fd" * 40,
}


def rules(*organisations: str) -> CertificateRules:
    return CertificateRules(organisations=frozenset(organisations), base_url="http://vermilion.example")


@pytest.mark.parametrize("organisation", LONG.values(), ids=LONG)
def test_a_long_name_is_certified_and_read_in_full(organisation: str, tmp_path: Path) -> None:
    """Down from the root: openssl takes the chain, nobody is called like another, every bound of X.520 holds."""
    by = rules(organisation)
    keys = [new_key("p256") for _ in range(4)]
    root_name = SubjectName(organisation, f"{organisation} Root CA")
    root = Issuer(by.self_sign(root_name, keys[0], now=NOW), keys[0], "root")
    issuing_name = SubjectName(organisation, f"{organisation} Issuing CA")
    certificate = by.issue(Profile.ISSUING, issuing_name, keys[1].public_key(), issuer=root, now=NOW)
    issuing = Issuer(certificate, keys[1], "issuing")
    seal_name = SubjectName(organisation, f"{organisation}合同专用章", "seal-alpha", unit="合同专用章")
    seal = by.issue(Profile.SEAL, seal_name, keys[2].public_key(), issuer=issuing, now=NOW)
    person_name = SubjectName(organisation, "Ḋ" * 100, "person-zhang")
    person = by.issue(Profile.PERSON, person_name, keys[3].public_key(), issuer=issuing, now=NOW)
    names = {root.certificate: root_name, certificate: issuing_name, seal: seal_name, person: person_name}
    assert len({each.subject for each in names}) == len(names)
    for each, name in names.items():
        assert name_in(each) == name
        short = [str(attribute.value) for attribute in each.subject if attribute.oid != NameOID.COUNTRY_NAME]
        assert all(1 <= len(text) <= BOUND for text in short)
        assert (name.extension() is not None) is name.is_shortened
    assert seal_name.shortened[1].endswith("合同专用章")
    (tmp_path / "root.pem").write_bytes(root.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "issuing.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    for leaf in (seal, person):
        (tmp_path / "leaf.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
        status, text = openssl(
            "verify", "-x509_strict", "-CAfile", tmp_path / "root.pem", "-untrusted", tmp_path / "issuing.pem",
            tmp_path / "leaf.pem",
        )  # fmt: skip
        assert status == 0, text


def test_nothing_is_cut_between_two_parts_of_what_people_see() -> None:
    assert SubjectName("q\u0323\u0307" * 40, "n").shortened[0] == "q\u0323\u0307" * 21
    assert SubjectName("\U0001f44d\U0001f3fd" * 40, "n").shortened[0] == "\U0001f44d\U0001f3fd" * 32
    assert SubjectName("A" * 63 + " B", "n").shortened[0] == "A" * 63
    assert SubjectName("甲" * 65, "n").shortened[0] == "甲" * 64
    assert SubjectName("甲", "张" * 22).shortened[1] == "张" * 21, "libraries count the octets of a common name"


def test_two_names_with_the_same_beginning_are_two_names() -> None:
    first, second = (SubjectName("A" * 150 + end, "张" * 30 + end, f"person-{end}") for end in ("1", "2"))
    key, by = new_key("p256"), rules(first.organisation)
    assert first.shortened == second.shortened
    assert first.to_x509() != second.to_x509()
    assert name_in(by.self_sign(first, key, now=NOW)) == first
    with pytest.raises(CertificateRefused, match="may name"):
        by.self_sign(second, key, now=NOW)


@pytest.mark.parametrize(
    ("full", "believed"),
    [
        (SubjectName("甲公司" + "示例" * 40, "张示例"), False),  # the subject has another organisation
        (SubjectName("A" * 65, "张示例"), False),  # nobody shortens that to what the subject says
        (SubjectName("A" * 100, "张示例"), True),
        (SubjectName("A" * 70 + "  B", "张示例"), True),  # as it was once certified
    ],
)
def test_a_name_in_full_is_believed_when_it_shortens_to_the_subject(full: SubjectName, believed: bool) -> None:
    """Anybody's certificate may have such an extension."""
    subject = SubjectName("A" * 64 if believed else "A" * 63, "张示例")
    extension = full.extension()
    assert extension is not None
    for value in (extension.value, extension.value + b"\x00", extension.value[:-1], b"", b"\x30\x02\x80\x05"):
        key = new_key("p256")
        certificate = (
            x509.CertificateBuilder(subject.to_x509(), subject.to_x509(), key.public_key(), 1, NOW, NOW)
            .add_extension(x509.UnrecognizedExtension(FULL_NAME, value), critical=False)
            .sign(key, SHA256())
        )
        expected = full if believed and value == extension.value else subject
        assert name_in(certificate) == expected


def test_what_hides_or_has_two_forms_is_no_name() -> None:
    for text in (
        "",
        " 甲",
        "甲 ",
        "甲\u200f",
        "甲\u202e",
        "甲\x00",
        "甲\n",
        "甲  乙",
        "A  B",
        "甲\u3164",
        "\uffa0",
        "A\u2800 B",
        "e\u0301",
        "\ufe0f",
        "\ufe00\U000e0100",
        "\ufe0f甲",
        "甲 \U000e01ef乙",
        "甲" * (LONGEST_ORGANISATION + 1),
    ):
        with pytest.raises(CertificateRefused, match="1 to 200 visible"):
            require_visible(text, LONGEST_ORGANISATION)
    require_visible("é" * 100, LONGEST_PERSON)
    require_visible("葛\U000e0100飾", LONGEST_PERSON)  # as Japanese registers write it
    with pytest.raises(CertificateRefused, match="1 to 100 visible"):
        require_visible("é" * 101, LONGEST_PERSON)


LOOKING_LIKE_ACME = (
    "\u0410cme Ltd",  # Cyrillic A
    "\u0410\u0421\u041c\u0415 Ltd",
    "\u0430\u0441m\u0435, Limited",
    "\u0391CM\u0395 Co., Ltd.",  # Greek
)


@pytest.mark.parametrize("looking_alike", LOOKING_LIKE_ACME)
def test_nobody_from_outside_is_named_by_letters_that_look_like_the_house(looking_alike: str) -> None:
    """As an organisation, and as a department or branch of one; but it is let in nowhere as the house."""
    assert not same_organisation("Acme Ltd", looking_alike)
    key, by = new_key("p256"), rules("Acme Ltd", "\u041d\u0415\u0412\u0410")
    root = Issuer(by.self_sign(SubjectName("Acme Ltd", "Root"), key, now=NOW), key, "root")
    issuing = by.issue(Profile.ISSUING, SubjectName("Acme Ltd", "CA"), key.public_key(), issuer=root, now=NOW)

    def issue(profile: Profile, name: SubjectName) -> None:
        by.issue(profile, name, key.public_key(), issuer=Issuer(issuing, key, "issuing"), now=NOW)

    for unit in (looking_alike, f"{looking_alike} Sales", "\u041d\u0435\u0432\u0430"):
        with pytest.raises(CertificateRefused, match="of this house"):
            issue(Profile.SEAL, SubjectName("Delta", f"Delta{unit}部门章", "seal-guest-1", unit="部门章"))
    with pytest.raises(CertificateRefused, match="of this house"):
        issue(Profile.PERSON, SubjectName(looking_alike, "Zhang", "person-guest-000000000001"))
    issue(Profile.SEAL, SubjectName("Delta", "Delta\u0410\u0411\u0412部门章", "seal-guest-1", unit="部门章"))


@pytest.mark.parametrize(
    ("looking_alike", "own"),
    [
        ("\u03f9hina Steel", "China Steel"),  # Greek
        ("\u03f2hina Steel", "China Steel"),
        ("S\u03c3n\u03b3", "Sony"),
        ("\u037fohn", "John"),
        ("\u0501elta", "Delta"),  # Cyrillic
        ("Ve\u0433milion", "Vermilion"),
        ("No\u0475a", "Nova"),
        ("\u050cold", "Gold"),
        ("S\u043en\u04af", "Sony"),
    ],
)
def test_rarer_letters_look_like_latin_ones_too(looking_alike: str, own: str) -> None:
    assert passes_for(looking_alike, own) and not same_organisation(looking_alike, own)


@pytest.mark.parametrize(
    "honest",
    [
        "\u0413\u0430\u0437\u043f\u0440\u043e\u043c",
        "\u0395\u03bb\u03bb\u03ac\u03ba\u03c4\u03c9\u03c1",
        "Sonya",
        "\u041d\u043e\u0440\u0434",
    ],
)
def test_names_that_look_like_none_of_the_house_are_let_through(honest: str) -> None:
    assert not any(passes_for(honest, own) for own in ("Sony", "China Steel", "Nord", "Gazprom", "Ellaktor"))


def test_nobody_from_outside_is_named_as_the_house_is_shortened() -> None:
    """Who reads the subject alone would take the one for the other."""
    enterprise = "示例" * 40
    assert same_organisation(enterprise, enterprise[:64] + "另一家")
    assert same_organisation(enterprise, enterprise[:64])
    assert not same_organisation(enterprise, "另" + enterprise)


def test_who_signs_for_nobody_else_has_no_organisation() -> None:
    key, by = new_key("p256"), rules("甲")
    issuer = Issuer(by.self_sign(SubjectName("甲", "甲 Root CA"), key, now=NOW), key, "root")
    issuing = by.issue(Profile.ISSUING, SubjectName("甲", "甲 CA"), key.public_key(), issuer=issuer, now=NOW)
    name = SubjectName("", "外来者", "person-guest-1")
    assert is_outside(name.identifier)
    certificate = by.issue(Profile.PERSON, name, key.public_key(), issuer=Issuer(issuing, key, "issuing"), now=NOW)
    assert name_in(certificate) == name
    assert certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME) == []
    with pytest.raises(CertificateRefused):
        by.issue(
            Profile.PERSON,
            SubjectName("", "张示例", "person-zhang"),
            key.public_key(),
            issuer=Issuer(issuing, key, "issuing"),
            now=NOW,
        )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("采购合同\u3000第一号", "采购合同 第一号"),
        (" a\r\n\tb\u2028c\u00a0 ", "a b c"),
        ("a\u202e\u200bb\u3164\u2800", "ab"),
        ("e\u200d\u0301", "\u00e9"),
        ("\u034f\n", ""),
        ("\ufe0f \u200b\U000e0100", ""),
        ("\ufe0f甲 \ufe0f 乙\U000e0100", "甲 乙\U000e0100"),
        ("plain", "plain"),
    ],
)
def test_a_text_is_made_one_line_that_can_be_seen(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert is_visible(visible(text))


def test_der_contents_of_a_long_element() -> None:
    assert der.contents(der.element(der.OCTET_STRING, b"x" * 300)) == b"x" * 300


@pytest.mark.parametrize("organisation", LONG.values(), ids=LONG)
def test_a_ceremony_of_a_long_organisation_has_keys_with_names_of_their_own(organisation: str) -> None:
    parse(CeremonyPlan, tomllib.loads(NewHome(organisation).ceremony()), bytes(32))


def test_a_ceremony_is_refused_for_a_name_before_any_key_is_made() -> None:
    tables = tomllib.loads(NewHome("甲").ceremony())
    for changed in ("甲" * 201, "甲\u200f", ""):
        with pytest.raises(ConfigurationRefused, match="cannot be certified"):
            parse(CeremonyPlan, tables | {"organisation": changed}, bytes(32))
    tables["keys"][0]["common_name"] = tables["keys"][1]["common_name"]
    with pytest.raises(ConfigurationRefused, match="common name of its own"):
        parse(CeremonyPlan, tables, bytes(32))


@pytest.mark.parametrize("number", range(128))
def test_ascii_is_visible_by_the_rule_for_all_characters(number: int) -> None:
    character = chr(number)
    seen = unicodedata.category(character)[0] not in "CZ"
    assert is_visible(f"a{character}a") is (seen or character == " ")
    assert is_visible(character) is seen
