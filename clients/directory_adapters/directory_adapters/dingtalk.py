"""钉钉 (DingTalk), or its private deployment: an internal application (企业内部应用) whose range of the address
book is the whole company.

Server API (open.dingtalk.com): v1.0/oauth2/accessToken, topapi/v2/department/get and listsub,
topapi/v2/user/list and get, topapi/user/count, topapi/role/list and simplelist, 全局错误码. The address book
lists only people who work there; ``active`` says whether somebody has opened the app, which is no matter here.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from directory_adapters.address_book import AddressBook, Department, Member
from directory_adapters.errors import AddressBookError, RefusedError
from directory_adapters.transport import Call, Server, Transport
from directory_adapters.vendor import Codes, NoSuchMemberError, Vendor, listed, mails_of, number_of, text_of

SOURCE = "dingtalk"
MAIL_FIELDS = ("org_email", "email")
PAGE = 100
"""People of one page: the most that ``user/list`` and ``role/simplelist`` give."""

ROLES = 200
"""Groups of roles of one page, at most."""

CODES = Codes(
    # busy; too many calls of all applications, in a second, in a minute, and of one application
    busy=frozenset({"-1", "90002", "90003", "90004", "90005", "90006", "90018", "90019"}),
    stale=frozenset({"40014", "42001", "41001"}),
    absent=frozenset({"60121"}),
    advice={
        "40035": "a parameter is wrong; check root",
        "50002": "the department is out of the application's range; make that the whole company",
        "50004": "the department is out of the application's range; make that the whole company",
        "60011": "the application may not use this interface; ask for the permission in the developer console",
        "60020": "add the address of this machine to the application's list of server addresses",
    },
)


class ManagersFrom(StrEnum):
    """Where somebody's manager comes from."""

    PEOPLE = "people"
    """From each person's ``manager_userid``: one request for each person."""
    DEPARTMENTS = "departments"
    """The one leader (主管) of the main department; of whoever leads it, that of the department above."""
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class DingtalkSettings:
    """``key`` and ``secret`` are those of the application; ``tokens`` is the server that gives tokens. ``count``:
    whether a reading is refused that has fewer people than the server counts."""

    key: str
    secret: str = field(repr=False)
    server: Server
    tokens: Server
    root: int = 1
    managers: ManagersFrom = ManagersFrom.DEPARTMENTS
    count: bool = True


class DingtalkReader:
    """Reads the address book; of the roles in *labels* the members, too."""

    def __init__(
        self, settings: DingtalkSettings, labels: tuple[str, ...] = (), pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._settings, self._labels = settings, labels
        self._tokens = Transport(settings.tokens, pause)
        self._api = Vendor(Transport(settings.server, pause), self._token, CODES, settings.server.patience)

    def read(self) -> AddressBook:
        """All of it; see :class:`Reader`."""
        departments = self._departments()
        members: dict[str, Member] = {}
        leaders: dict[int, list[str]] = defaultdict(list)
        for department in departments:
            for each in self._people_of(department):
                member = _member(each)
                members[member.userid] = member
                if each.get("leader") is True:
                    leaders[department].append(member.userid)
        self._check_number(len(members))
        book = AddressBook(SOURCE, self._settings.root, departments, members, self._members_of_labels())
        return self._with_managers(book, leaders)

    def look_up(self, userid: str) -> Member | None:
        """One person; see :class:`Reader`."""
        try:
            return self._one(userid)
        except NoSuchMemberError:
            return None

    def _token(self) -> str:
        content = {"appKey": self._settings.key, "appSecret": self._settings.secret}
        try:
            value = self._tokens.send(Call("POST", "/v1.0/oauth2/accessToken", content=content)).value
        except RefusedError as refused:
            raise AddressBookError(
                f"/v1.0/oauth2/accessToken: HTTP {refused.status} (check key and secret of the application)"
            ) from None
        return text_of(value, "accessToken", "The answer of /v1.0/oauth2/accessToken")

    def _one(self, userid: str) -> Member:
        path = "/topapi/v2/user/get"
        value = _result(self._api.ask("POST", path, content={"userid": userid, "language": "zh_CN"}), path)
        manager = value.get("manager_userid")
        found = manager if self._settings.managers is ManagersFrom.PEOPLE and isinstance(manager, str) else ""
        return replace(_member(value), manager=found)

    def _departments(self) -> dict[int, Department]:
        root, path = self._settings.root, "/topapi/v2/department/get"
        top = _result(self._api.ask("POST", path, content={"dept_id": root, "language": "zh_CN"}), path)
        found = {root: Department(root, text_of(top, "name", f"Department {root}"), root)}
        left, path = [root], "/topapi/v2/department/listsub"
        while left:
            parent = left.pop()
            value = self._api.ask("POST", path, content={"dept_id": parent, "language": "zh_CN"})
            for each in listed(value, "result", path):
                key = number_of(each, "dept_id", "A department")
                if key in found:
                    raise AddressBookError(
                        f"Department {key} is in two places: the address book changed meanwhile."
                    )
                found[key] = Department(key, text_of(each, "name", f"Department {key}"), parent)
                left.append(key)
        return found

    def _people_of(self, department: int) -> Iterator[dict[str, Any]]:
        path, cursor = "/topapi/v2/user/list", 0
        while True:
            content = {
                "dept_id": department,
                "cursor": cursor,
                "size": PAGE,
                "contain_access_limit": True,
                "language": "zh_CN",
            }
            page = _result(self._api.ask("POST", path, content=content), path)
            yield from listed(page, "list", path)
            if not _more(page, "has_more", path):
                return
            following = number_of(page, "next_cursor", f"A page of department {department}")
            if following <= cursor:
                raise AddressBookError(
                    f"{path}: the pages of department {department} do not go on: it is incomplete."
                )
            cursor = following

    def _check_number(self, found: int) -> None:
        if not self._settings.count:
            return
        path = "/topapi/user/count"
        value = _result(self._api.ask("POST", path, content={"only_active": False}), path)
        counted = number_of(value, "count", "The number of people")
        if found < counted and self._settings.root == 1:
            raise AddressBookError(
                f"{found} people were read, but the company has {counted}: the application does not see everybody,"
                " or the address book changed meanwhile. Make its range the whole company, and try again."
            )

    def _with_managers(self, book: AddressBook, leaders: Mapping[int, list[str]]) -> AddressBook:
        match self._settings.managers:
            case ManagersFrom.PEOPLE:
                managers = {userid: self._one(userid).manager for userid in book.members}
            case ManagersFrom.DEPARTMENTS:
                managers = {userid: _leader_of(member, book, leaders) for userid, member in book.members.items()}
            case ManagersFrom.NOWHERE:
                return book
        return book.with_members(
            {userid: replace(book.members[userid], manager=managers[userid]) for userid in managers}
        )

    def _members_of_labels(self) -> dict[str, frozenset[str]]:
        if not self._labels:
            return {}
        found: dict[str, list[int]] = defaultdict(list)
        for group in self._pages("/topapi/role/list", {}, ROLES):
            title = text_of(group, "name", "A group of roles")
            for role in listed(group, "roles", "/topapi/role/list"):
                key, name = number_of(role, "id", "A role"), text_of(role, "name", "A role")
                found[name].append(key)
                found[f"{title}/{name}"].append(key)
        for name in self._labels:
            if len(found[name]) != 1:
                many = "more than one role (角色) is" if found[name] else "no role (角色) is"
                raise AddressBookError(f"groups.labels: {many} called {name}; use group and name, like 职务/经理.")
        return {name: self._members_of(found[name][0]) for name in self._labels}

    def _members_of(self, role: int) -> frozenset[str]:
        people = self._pages("/topapi/role/simplelist", {"role_id": role}, PAGE)
        return frozenset(text_of(each, "userid", "A member of a role") for each in people)

    def _pages(self, path: str, query: Mapping[str, int], size: int) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            page = _result(self._api.ask("POST", path, content={**query, "size": size, "offset": offset}), path)
            entries = listed(page, "list", path)
            yield from entries
            if not _more(page, "hasMore", path):
                return
            if not entries:
                raise AddressBookError(f"{path}: an empty page says that there is more: it is incomplete.")
            offset += size


def _result(value: Mapping[str, Any], path: str) -> dict[str, Any]:
    found = value.get("result")
    if not isinstance(found, dict):
        raise AddressBookError(f"{path}: the answer has no result: the address book was not read.")
    return found


def _more(page: Mapping[str, Any], member: str, path: str) -> bool:
    found = page.get(member)
    if not isinstance(found, bool):
        raise AddressBookError(f"{path}: the answer does not say whether there are more pages: it is incomplete.")
    return found


def _member(value: Mapping[str, Any]) -> Member:
    userid = text_of(value, "userid", "Somebody")
    departments = tuple(each for each in value.get("dept_id_list") or () if isinstance(each, int))
    return Member(userid, text_of(value, "name", userid), mails_of(value, MAIL_FIELDS), departments)


def _leader_of(member: Member, book: AddressBook, leaders: Mapping[int, list[str]]) -> str:
    """The leader of the nearest department that has one, other than the person; nobody where it has several."""
    inside = [each for each in member.departments if each in book.departments]
    for department in book.up(inside[0]) if inside else ():
        found = leaders.get(department, [])
        if member.userid not in found and found:
            return found[0] if len(found) == 1 else ""
    return ""
