"""Servers on this machine that answer as 企业微信, 钉钉 and a SCIM endpoint do, from a :class:`Company`.

Shapes of requests and answers are those of the public documentation of both (developer.work.weixin.qq.com:
90208, 90201, 90196, 90216, 90213; open.dingtalk.com: v1.0/oauth2/accessToken, topapi/v2, topapi/role). The SCIM
endpoint does no more than record: the real one has tests of its own.
"""

from __future__ import annotations

import itertools
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.directory_adapters.company import QUIT, Company, Employee
from tests.ports import free_port

SECRET = "an-invented-secret-0123456789"
TOKEN = "scim-token-of-the-tests"
Reply = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Asked:
    """A request: ``content`` decoded from JSON."""

    method: str
    path: str
    query: dict[str, str]
    content: Any
    headers: dict[str, str]


@dataclass(frozen=True)
class Fault:
    """What the requests from the *first* on to ``path`` get instead of an answer, so often; None hangs up."""

    path: str
    reply: Reply | None
    first: int = 1
    times: int = 1


def errcode(code: int, message: str = "refused", **more: Any) -> Reply:
    """An error as both have it, with status 200."""
    return answer({"errcode": code, "errmsg": message, **more})


def answer(value: Any, status: int = 200, **headers: str) -> Reply:
    """*value* as JSON."""
    return status, {"Content-Type": "application/json", **headers}, json.dumps(value, ensure_ascii=False).encode()


@dataclass
class Backend:
    """A server, which ``faults`` disturb; ``asked`` is what came."""

    respond: Callable[[Asked], Reply] = lambda _: answer({}, 404)
    faults: list[Fault] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    port: int = field(default_factory=free_port)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def reply(self, asked: Asked) -> Reply | None:
        """The answer, or what a fault makes of it."""
        self.asked.append(asked)
        self.counts[asked.path] += 1
        nth = self.counts[asked.path]
        for fault in self.faults:
            if fault.path == asked.path and fault.first <= nth < fault.first + fault.times:
                return fault.reply
        return self.respond(asked)

    def paths(self) -> list[str]:
        return [each.path for each in self.asked]

    def reset(self) -> None:
        """Faults are gone, and what came is forgotten."""
        self.faults.clear()
        self.asked.clear()
        self.counts.clear()


@contextmanager
def serving(backend: Backend) -> Iterator[Backend]:
    """*backend* answers at its port meanwhile."""

    class Handler(BaseHTTPRequestHandler):
        def any_method(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, parts.path, query, json.loads(body) if body else None, headers)
            reply = backend.reply(asked)
            if reply is None:
                self.close_connection = True
                return
            status, headers, content = reply
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: Any) -> None:
            return

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.any_method)
    server = ThreadingHTTPServer(("127.0.0.1", backend.port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield backend
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Wecom:
    """The API of 企业微信 over *company*; ``hides_mail`` as from applications of one's own made since June
    2022."""

    def __init__(self, company: Company, hides_mail: bool = False) -> None:
        self.company, self.hides_mail, self.tokens = company, hides_mail, itertools.count(1)
        self.token = ""

    def __call__(self, asked: Asked) -> Reply:
        if asked.path == "/cgi-bin/gettoken":
            if (asked.query["corpid"], asked.query["corpsecret"]) != ("ww-example", SECRET):
                return errcode(40001, "invalid credential")
            self.token = f"token-{next(self.tokens)}"
            return self._done(access_token=self.token, expires_in=7200)
        if asked.query.get("access_token") != self.token:
            return errcode(40014, "invalid access_token")
        return self._reading(asked)

    def _reading(self, asked: Asked) -> Reply:
        query, company = asked.query, self.company
        match asked.path.removeprefix("/cgi-bin/"):
            case "department/list":
                listed = [
                    {"id": key, "name": name, "parentid": parent, "order": 1, "department_leader": []}
                    for key, (name, parent) in company.departments.items()
                ]
                return self._done(department=listed)
            case "user/list":
                people = company.of(int(query["department_id"]))
                return self._done(userlist=[self._shown(each) for each in people])
            case "user/get":
                person = company.people.get(query["userid"])
                return self._done(**self._shown(person)) if person else errcode(60111, "userid not found")
            case "tag/list":
                listed = [{"tagid": number, "tagname": name} for number, name in enumerate(company.labels, 1)]
                return self._done(taglist=listed)
            case "tag/get":
                name = list(company.labels)[int(query["tagid"]) - 1]
                users = [{"userid": each, "name": company.people[each].name} for each in company.labels[name]]
                return self._done(tagname=name, userlist=users, partylist=[])
        return errcode(48002, "api forbidden")

    @staticmethod
    def _done(**values: Any) -> Reply:
        return answer({"errcode": 0, "errmsg": "ok", **values})

    def _shown(self, person: Employee) -> dict[str, Any]:
        mails = {} if self.hides_mail else {"biz_mail": person.mail, "email": ""}
        return {
            "userid": person.userid,
            "name": person.name,
            "department": sorted(person.departments),
            "order": [0 for _ in person.departments],
            "main_department": person.departments[0],
            "is_leader_in_dept": [0 for _ in person.departments],
            "direct_leader": [person.leader] if person.leader else [],
            "position": "",
            "status": person.status,
            "isleader": 0,
            "enable": int(person.status != 2),
            **mails,
        }


class Dingtalk:
    """The API of 钉钉 over *company*: whoever has quit is not there."""

    def __init__(self, company: Company) -> None:
        self.company, self.tokens, self.token = company, itertools.count(1), ""

    def __call__(self, asked: Asked) -> Reply:
        if asked.path == "/v1.0/oauth2/accessToken":
            if asked.content != {"appKey": "ding-example", "appSecret": SECRET}:
                return answer(
                    {"code": "invalidClientIdOrSecret", "message": "无效的clientId或者clientSecret"}, 400
                )
            self.token = f"token-{next(self.tokens)}"
            return answer({"accessToken": self.token, "expireIn": 7200})
        if asked.query.get("access_token") != self.token:
            return errcode(88, "ding talk error", sub_code="40014", sub_msg="不合法的access_token")
        return self._reading(asked)

    def _there(self) -> dict[str, Employee]:
        return {key: each for key, each in self.company.people.items() if each.status != QUIT}

    def _reading(self, asked: Asked) -> Reply:
        content, company = asked.content, self.company
        result: Any
        match asked.path.removeprefix("/topapi/"):
            case "v2/department/get":
                name, parent = company.departments[content["dept_id"]]
                result = {"dept_id": content["dept_id"], "name": name, "parent_id": parent}
            case "v2/department/listsub":
                listed = [
                    {"dept_id": key, "name": name, "parent_id": parent, "auto_add_user": False}
                    for key, (name, parent) in company.departments.items()
                    if parent == content["dept_id"]
                ]
                result = listed
            case "v2/user/list":
                people = [each for each in company.of(content["dept_id"]) if each.status != QUIT]
                result = self._page(people, content)
            case "v2/user/get":
                person = self._there().get(content["userid"])
                if person is None:
                    return errcode(60121, "找不到该用户")
                result = self._shown(person, 0)
            case "user/count":
                result = {"count": len(self._there()) - len(company.unlisted)}
            case "role/list":
                roles = [{"id": number, "name": name} for number, name in enumerate(company.labels, 1)]
                result = {"hasMore": False, "list": [{"groupId": 1, "name": "职务", "roles": roles}]}
            case "role/simplelist":
                users = company.labels[list(company.labels)[content["role_id"] - 1]]
                part = users[content["offset"] : content["offset"] + content["size"]]
                more = content["offset"] + content["size"] < len(users)
                listed = [{"userid": each, "name": company.people[each].name} for each in part]
                result = {"hasMore": more, "list": listed}
            case _:
                return errcode(88, "ding talk error", sub_code="60011", sub_msg="没有调用该接口的权限")
        return answer({"errcode": 0, "errmsg": "ok", "result": result, "request_id": "example"})

    def _page(self, people: list[Employee], content: dict[str, Any]) -> dict[str, Any]:
        end = content["cursor"] + content["size"]
        listed = [self._shown(each, content["dept_id"]) for each in people[content["cursor"] : end]]
        more = {"has_more": True, "next_cursor": end} if end < len(people) else {"has_more": False}
        return {**more, "list": listed}

    def _shown(self, person: Employee, department: int) -> dict[str, Any]:
        mails = {"org_email": person.mail} if person.mail else {}
        return {
            "userid": person.userid,
            "unionid": f"union-{person.userid}",
            "name": person.name,
            "dept_id_list": list(person.departments),
            "active": person.status != 4,
            "leader": self.company.leaders.get(department) == person.userid,
            "hide_mobile": False,
            **({} if department else {"manager_userid": person.leader}),
            **mails,
        }


class Recorder:
    """A SCIM endpoint that keeps what it is sent, with entity tags; a login is there once."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1)
        self.kept: dict[str, dict[str, dict[str, Any]]] = {"Users": {}, "Groups": {}}
        self.writes: list[Asked] = []

    def user(self, userid: str, source: str = "wecom") -> dict[str, Any]:
        """The user of this userid."""
        [found] = [each for each in self.kept["Users"].values() if each.get("externalId") == f"{source}:{userid}"]
        return found

    def members(self, name: str) -> set[str]:
        """The externalIds of the members of the group called *name*."""
        [group] = [each for each in self.kept["Groups"].values() if each["displayName"] == name]
        return {self.kept["Users"][each["value"]]["externalId"] for each in group["members"]}

    def __call__(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return self._error(401, "The token is not valid.")
        if not (match := re.fullmatch(r"/scim/v2/(Users|Groups)(?:/([^/]+))?", asked.path)):
            return self._error(404, "There is nothing here.")
        kept, key = self.kept[match[1]], match[2]
        if asked.method == "GET":
            first, count = int(asked.query["startIndex"]) - 1, min(100, int(asked.query["count"]))
            page = list(kept.values())[first : first + count]
            return answer({"totalResults": len(kept), "startIndex": first + 1, "Resources": page})
        self.writes.append(asked)
        if asked.method == "POST":
            return self._create(kept, asked.content)
        if key not in kept:
            return self._error(404, "There is no such resource.")
        return self._change(kept, key, asked)

    def _create(self, kept: dict[str, dict[str, Any]], content: dict[str, Any]) -> Reply:
        login = content.get("userName")
        if login and any(each["userName"] == login for each in kept.values()):
            return self._error(409, f"{login} is there.", scimType="uniqueness")
        key = f"id-{next(self.numbers)}"
        kept[key] = {**content, "id": key, "meta": {"version": 'W/"1"'}}
        return answer(kept[key], 201)

    def _change(self, kept: dict[str, dict[str, Any]], key: str, asked: Asked) -> Reply:
        version = kept[key]["meta"]["version"]
        if asked.headers.get("if-match", version) != version:
            return self._error(412, "The resource has changed.")
        if asked.method == "DELETE":
            del kept[key]
            return 204, {}, b""
        if asked.method == "PATCH":
            for operation in asked.content["Operations"]:
                _operate(kept[key], operation)
        else:
            kept[key] = {**asked.content, "id": key}
        kept[key]["meta"] = {"version": f'W/"{int(version[3:-1]) + 1}"'}
        return answer(kept[key])

    @staticmethod
    def _error(status: int, detail: str, **more: str) -> Reply:
        schemas = ["urn:ietf:params:scim:api:messages:2.0:Error"]
        return answer({"schemas": schemas, "status": str(status), "detail": detail, **more}, status)


def _operate(group: dict[str, Any], operation: dict[str, Any]) -> None:
    match operation:
        case {"op": "add", "path": "members", "value": list(added)}:
            group["members"] += added
        case {"op": "remove", "path": path}:
            [key] = re.fullmatch(r'members\[value eq "(.+)"\]', path).groups()  # type: ignore[union-attr]
            group["members"] = [each for each in group["members"] if each["value"] != key]
        case {"op": "replace", "path": "displayName", "value": name}:
            group["displayName"] = name
        case _:
            raise AssertionError(operation)
