"""企业微信 (WeCom), or its private deployment: an application of the enterprise's own (自建应用) whose visible
range is the whole company.

Server API (developer.work.weixin.qq.com): 获取access_token 91039, 获取部门列表 90208, 获取部门成员详情 90201,
读取成员 90196, 获取标签列表 90216, 获取标签成员 90213, 全局错误码 90313.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from directory_adapters.address_book import AddressBook, Department, Member
from directory_adapters.errors import AddressBookError
from directory_adapters.transport import Call, Server, Transport
from directory_adapters.vendor import (
    Codes,
    NoSuchMemberError,
    Vendor,
    code_of,
    listed,
    mails_of,
    number_of,
    text_of,
)

SOURCE = "wecom"
MAIL_FIELDS = ("biz_mail", "email")
LEFT = frozenset({2, 5})
"""``status`` of somebody disabled, and of somebody who has quit; 1 uses the app, 4 has not opened it yet."""

KNOWN_STATUS = frozenset({1, 2, 4, 5})

CODES = Codes(
    busy=frozenset({"-1", "45009", "45033"}),  # busy; too many a minute; too many at once
    stale=frozenset({"40014", "42001", "41001"}),
    absent=frozenset({"60111"}),
    advice={
        "40001": "check the secret of the application",
        "40013": "check corp, the id of the enterprise",
        "48002": "the application may not use this; it has to be one of the enterprise's own (自建应用)",
        "60011": "the application does not see this; its visible range has to be the whole company",
        "60020": "add the address of this machine to the application's trusted addresses (企业可信IP)",
    },
)


@dataclass(frozen=True, slots=True)
class WecomSettings:
    """``corp`` is the id of the enterprise; ``root`` the department to start from."""

    corp: str
    secret: str = field(repr=False)
    server: Server
    root: int = 1


class WecomReader:
    """Reads the address book; of *labels* the members, too."""

    def __init__(
        self, settings: WecomSettings, labels: tuple[str, ...] = (), pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._settings, self._labels = settings, labels
        self._transport = Transport(settings.server, pause)
        self._api = Vendor(self._transport, self._token, CODES, settings.server.patience)

    def read(self) -> AddressBook:
        """All of it; see :class:`Reader`."""
        departments = self._departments()
        members: dict[str, Member] = {}
        for department in departments:
            path = "/cgi-bin/user/list"
            page = self._api.ask("GET", path, {"department_id": str(department)})
            members |= {member.userid: member for member in map(_member, listed(page, "userlist", path))}
        book = AddressBook(SOURCE, self._settings.root, departments, members, {})
        return AddressBook(SOURCE, self._settings.root, departments, members, self._members_of_labels(book))

    def look_up(self, userid: str) -> Member | None:
        """One person; see :class:`Reader`."""
        try:
            return _member(self._api.ask("GET", "/cgi-bin/user/get", {"userid": userid}))
        except NoSuchMemberError:
            return None

    def _token(self) -> str:
        asked = {"corpid": self._settings.corp, "corpsecret": self._settings.secret}
        value = self._transport.send(Call("GET", "/cgi-bin/gettoken", asked)).value
        if (code := code_of(value)) != "0":
            advice = CODES.advice.get(code, "see the list of error codes")
            raise AddressBookError(f"/cgi-bin/gettoken: error {code} ({advice})")
        return text_of(value, "access_token", "The answer of /cgi-bin/gettoken")

    def _departments(self) -> dict[int, Department]:
        path = "/cgi-bin/department/list"
        found = {}
        for each in listed(self._api.ask("GET", path), "department", path):
            key = number_of(each, "id", "A department")
            what = f"Department {key}"
            found[key] = Department(key, text_of(each, "name", what), number_of(each, "parentid", what))
        return _below(found, self._settings.root)

    def _members_of_labels(self, book: AddressBook) -> dict[str, frozenset[str]]:
        if not self._labels:
            return {}
        path = "/cgi-bin/tag/list"
        tags = {
            text_of(each, "tagname", "A label"): number_of(each, "tagid", "A label")
            for each in listed(self._api.ask("GET", path), "taglist", path)
        }
        if missing := [name for name in self._labels if name not in tags]:
            raise AddressBookError(
                f"groups.labels: the application sees no label (标签) called {missing[0]}; correct its name, or"
                " let the application use the label."
            )
        return {name: self._members_of(tags[name], book) for name in self._labels}

    def _members_of(self, tag: int, book: AddressBook) -> frozenset[str]:
        path = "/cgi-bin/tag/get"
        value = self._api.ask("GET", path, {"tagid": str(tag)})
        people = {text_of(each, "userid", "A member of a label") for each in listed(value, "userlist", path)}
        for department in value.get("partylist") or ():
            if department in book.departments:
                people |= book.people_of(department)
        return frozenset(people)


def _below(departments: Mapping[int, Department], root: int) -> dict[int, Department]:
    """Those below *root*, where others were listed, too. What leads nowhere is left for the whole book to
    refuse."""
    if root == 1:
        return dict(departments)
    found: dict[int, Department] = {}
    wanted = {root} & departments.keys()
    while wanted:
        found |= {key: departments[key] for key in wanted}
        wanted = {key for key, each in departments.items() if each.parent in wanted} - found.keys()
    return found


def _member(value: Mapping[str, Any]) -> Member:
    userid = text_of(value, "userid", "Somebody")
    status = number_of(value, "status", userid)
    if status not in KNOWN_STATUS:
        raise AddressBookError(f"{userid} has status {status}, which has no meaning here: nothing was pushed.")
    departments = [each for each in value.get("department") or () if isinstance(each, int)]
    main = value.get("main_department")
    if main in departments:
        departments.sort(key=lambda each: each != main)
    leaders = [each for each in value.get("direct_leader") or () if isinstance(each, str) and each]
    return Member(
        userid,
        text_of(value, "name", userid),
        mails_of(value, MAIL_FIELDS),
        tuple(departments),
        leaders[0] if leaders else "",
        status not in LEFT,
    )
