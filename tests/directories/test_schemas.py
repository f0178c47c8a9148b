"""What entries mean, whatever bytes are in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from appliance.config import DirectoryKind
from appliance.directory_service.ldap_connection import Entry, _entry
from appliance.directory_service.messages import LONGEST_VALUE, DirectoryFault, RequestFailed
from appliance.directory_service.schemas import ACTIVE_DIRECTORY, OPENLDAP, Reader, primary_group
from appliance.directory_service.whole_reading import Groups, missing_parts

NOW = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.mark.parametrize("value", [b"\xff\xfe", b"a\nb", b"a\x00b", "\u0085".encode(), b"x" * (LONGEST_VALUE + 1)])
def test_what_is_no_text_is_left_out_and_counted(value: bytes) -> None:
    reader = Reader()
    assert reader.text({"displayname": [value], "cn": ["王芳".encode()]}, "displayname", "cn") == "王芳"
    assert reader.left_out == {"displayname": 1}


def test_the_first_of_several_values_counts_and_outer_blanks_do_not() -> None:
    values = {"mail": [b"  ", b" a@example.com ", b"b@example.com"]}
    assert Reader().text(values, "mail") == "a@example.com"


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ([b"0F000000-0000-4000-8000-000000000001"], "0f000000-0000-4000-8000-000000000001"),
        ([], ""),
        ([b"0f000000"], ""),
        ([b"\xff"], ""),
        ([b"0f000000-0000-4000-8000-000000000001", b"0f000000-0000-4000-8000-000000000002"], ""),
    ],
)
def test_the_key_of_openldap(values: list[bytes], key: str) -> None:
    assert OPENLDAP.key_in(Entry("", {"entryuuid": values})) == key


def test_the_key_of_active_directory_is_written_as_others_write_it() -> None:
    value = bytes.fromhex("33221100554477668899aabbccddeeff")
    assert ACTIVE_DIRECTORY.key_in(Entry("", {"objectguid": [value]})) == "00112233-4455-6677-8899-aabbccddeeff"
    assert ACTIVE_DIRECTORY.key_in(Entry("", {"objectguid": [value[1:]]})) == ""


def filetime(at: datetime) -> bytes:
    return str(int((at - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds() * 10**7)).encode()


@pytest.mark.parametrize(
    ("values", "enabled"),
    [
        ({}, True),
        ({"useraccountcontrol": [b"512"]}, True),
        ({"useraccountcontrol": [b"514"]}, False),
        ({"useraccountcontrol": [b"-2147483134"]}, False),
        ({"useraccountcontrol": [b"two"]}, True),
        ({"accountexpires": [b"0"]}, True),
        ({"accountexpires": [b"9223372036854775807"]}, True),
        ({"accountexpires": [filetime(NOW - timedelta(seconds=1))]}, False),
        ({"accountexpires": [filetime(NOW + timedelta(seconds=1))]}, True),
    ],
)
def test_who_is_enabled_in_active_directory(values: dict[str, list[bytes]], *, enabled: bool) -> None:
    assert ACTIVE_DIRECTORY.is_enabled(values, NOW) is enabled


@pytest.mark.parametrize(
    ("values", "enabled"),
    [
        ({}, True),
        ({"pwdaccountlockedtime": [b"000001010000Z"]}, False),
        ({"pwdaccountlockedtime": [b"20261129000000Z"]}, True),
        ({"nsaccountlock": [b"TRUE"]}, False),
        ({"nsaccountlock": [b"false"]}, True),
        ({"shadowexpire": [b"-1"]}, True),
        ({"shadowexpire": [b"0"]}, True),
        ({"shadowexpire": [b"1"]}, False),
        ({"shadowexpire": [b"99999"]}, True),
    ],
)
def test_who_is_enabled_in_openldap(values: dict[str, list[bytes]], *, enabled: bool) -> None:
    assert OPENLDAP.is_enabled(values, NOW) is enabled


def test_the_primary_group_is_one_of_the_users_domain() -> None:
    own = bytes.fromhex("0105000000000005150000000100000002000000030000005b040000")
    values = {"objectsid": [own], "primarygroupid": [b"513"]}
    assert primary_group(values) == own[:-4] + (513).to_bytes(4, "little")
    assert primary_group({"primarygroupid": [b"513"]}) is None
    assert primary_group({"objectsid": [own], "primarygroupid": [b"-1"]}) is None


def test_values_that_the_server_keeps_back_end_the_reading() -> None:
    with pytest.raises(RequestFailed, match="more values of memberof") as failure:
        _entry("cn=a", {"memberOf;range=0-1499": [b"cn=b"]})
    assert failure.value.fault is DirectoryFault.INCOMPLETE


def test_values_with_other_options_are_none_of_ours() -> None:
    assert _entry("cn=a", {"CN": [b"a"], "cn;lang-zh": [b"b"]}).values == {"cn": [b"a"]}


def test_references_lead_where_nobody_is_or_to_people() -> None:
    zones = "ldap://d.example/DC=DomainDnsZones,DC=example"
    child = "ldap://child.d.example/DC=child,DC=example"
    assert missing_parts([zones, child], DirectoryKind.ACTIVE_DIRECTORY) == [child]
    assert missing_parts([zones], DirectoryKind.OPENLDAP) == [zones]


def test_a_group_whose_name_is_too_long_is_left_out() -> None:
    reader = Reader()
    long = Entry("cn=" + "x" * LONGEST_VALUE, {"cn": [b"x"]})
    groups = Groups([long, Entry("cn=a", {"cn": [b"a"]})], reader, str.casefold)
    assert groups.names == [["a", "cn=a"]] and reader.left_out["dn"] == 1


def test_groups_by_login_and_by_name_and_deep_ones() -> None:
    deep = [Entry(f"cn={number}", {"member": [f"CN={number - 1}".encode()]}) for number in range(1, 3000)]
    first = Entry("cn=0", {"memberuid": [b"Wang"]})
    groups = Groups([first, *deep], Reader(), str.casefold)
    of = partial(groups.of_person, Entry("uid=wang", {}))
    assert of(["wang"]) == list(range(3000)) and of([]) == []
