"""Filters: the whole grammar (RFC 7644, 3.4.2.2), and what is not of it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.scim.pushing import ENTERPRISE, USER, Pusher, require_refused

PEOPLE = {
    "a": {
        "displayName": "Ärger",
        "title": "manager",
        "active": True,
        "emails": [{"value": "a@enterprise.example", "type": "work"}, {"value": "a@home.example", "type": "home"}],
        "name": {"familyName": "示"},
        ENTERPRISE: {"department": "财务部", "employeeNumber": "7"},
    },
    "b": {
        "displayName": 'say "hi" \\ now',
        "active": False,
        "emails": [{"value": "b@enterprise.example", "type": "home"}],
        "externalId": "External-B",
    },
    "c": {"displayName": "示例", "active": True, "emails": [], "nickName": "new and old or not"},
}


@pytest.fixture(scope="module")
def people(portal, known) -> Iterator[tuple[Pusher, dict[str, str], str]]:  # type: ignore[no-untyped-def]
    from tests.scim.pushing import IDP  # noqa: PLC0415

    idp = Pusher(portal.test_client(), f"Bearer {IDP}.{known.secrets[IDP]}")
    prefix = idp.person()["userName"]
    made = {name: idp.person(userName=f"{prefix}.{name}", **more)["id"] for name, more in PEOPLE.items()}
    yield idp, {each: name for name, each in made.items()}, prefix


FOUND = [
    ('title eq "manager"', "a"),
    ('title eq "MANAGER"', "a"),
    ('TITLE EQ "manager"', "a"),
    ("title pr", "a"),
    ("not (title pr)", "bc"),
    ('title ne "manager"', "bc"),
    ('displayName co "示"', "c"),
    ('displayName sw "ä"', "a"),
    ('displayName ew "例"', "c"),
    (r'displayName eq "say \"hi\" \\ now"', "b"),
    (r'displayName eq "\u793a\u4f8b"', "c"),
    ('displayName gt "t"', "ac"),
    ('displayName lt "t"', "b"),
    ('displayName ge "示例" and displayName le "示例"', "c"),
    ("active eq true", "ac"),
    ("active eq false", "b"),
    ('emails.type eq "work"', "a"),
    ('emails eq "A@ENTERPRISE.EXAMPLE"', "a"),
    ('emails.value ew "enterprise.example"', "ab"),
    ('emails[type eq "work" and value co "@enterprise"]', "a"),
    ('emails[type eq "work"].value eq "a@enterprise.example"', "a"),  # Entra ID
    ('emails[type eq "home" and value co "@enterprise"]', "b"),
    ('emails[not (type eq "work")]', "ab"),
    ("emails pr", "ab"),
    ('name.familyName eq "示"', "a"),
    (f'{ENTERPRISE}:department eq "财务部"', "a"),
    (f"{ENTERPRISE}:employeeNumber pr", "a"),
    (f'{USER}:title eq "manager"', "a"),
    ('externalId eq "External-B"', "b"),
    ('externalId eq "external-b"', ""),
    ('nickName eq "new and old or not"', "c"),
    ('title eq "manager" or externalId pr', "ab"),
    ('title eq "manager" and active eq false or externalId pr', "b"),
    ('title eq "manager" and (active eq false or externalId pr)', ""),
    ("(((title pr)) or ((externalId pr and (active eq false))))", "ab"),
    ('meta.resourceType eq "User"', "abc"),
    ('meta.lastModified gt "2020-01-01T00:00:00Z"', "abc"),
    ('meta.created lt "2020-01-01T00:00:00Z"', ""),
    ("displayName eq null", ""),
    (f'schemas eq "{USER}"', "abc"),
]


@pytest.mark.parametrize(("text", "names"), FOUND, ids=range(len(FOUND)))
def test_what_a_filter_finds(people: tuple[Pusher, dict[str, str], str], text: str, names: str) -> None:
    idp, known, prefix = people
    among = f'userName sw "{prefix}." and ({text})'
    found = idp.found(f"/Users?filter={quote(among)}")
    assert "".join(known[each["id"]] for each in found["Resources"]) == names
    assert found["totalResults"] == len(names)
    alone = {each["id"] for each in idp.found(f"/Users?filter={quote(text)}")["Resources"]}
    assert {known[each] for each in alone & known.keys()} == set(names)


BAD = [
    "",
    "x",
    "title",
    "title eq",
    "title eq manager",
    'title is "x"',
    "title eq 'x'",
    'title eq "x',
    'title eq "x" and',
    'title eq "x" xor title pr',
    "(title pr",
    "title pr)",
    "not title pr",
    'emails[type eq "work"',
    'emails[type eq "work" and emails[value pr]]',
    "title eq 1",
    "active gt true",
    'active eq "perhaps"',
    'nosuch eq "x"',
    "nosuch pr",
    'meta.lastModified gt "yesterday"',
    'urn:x:User:title eq "x"',
    r'title eq "\x"',
    "x" * 5000,
    "not (" * 40 + "title pr" + ")" * 40,
    'title eq "x" or ' * 260 + "title pr",
]


@pytest.mark.parametrize("text", BAD[1:], ids=range(1, len(BAD)))
def test_what_is_no_filter(idp: Pusher, text: str) -> None:
    answer = idp.get(f"/Users?filter={quote(text)}")
    assert "errors.pydantic.dev" not in require_refused(answer, 400, "invalidFilter")


def test_an_empty_filter_is_none(idp: Pusher) -> None:
    assert idp.get("/Users?filter=").status_code in (200, 400)


def test_a_filter_of_both_kinds(idp: Pusher) -> None:
    one = idp.person(displayName="both kinds")["id"]
    group = idp.group(name="both kinds")["id"]
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}
    for text, wanted in (
        ('displayName eq "both kinds"', [one, group]),
        (f'userName pr and id eq "{one}"', [one]),
        (f'meta.resourceType eq "Group" and id eq "{group}"', [group]),
    ):
        found = idp.send("POST", "/.search", {**body, "filter": text}).json
        assert [each["id"] for each in found["Resources"]] == wanted, text
    everything = idp.send("POST", "/.search", {**body, "count": 1, "startIndex": 2}).json
    assert everything["itemsPerPage"] == 1
