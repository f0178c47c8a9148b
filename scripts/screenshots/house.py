"""The organisation's directory on the stage: slapd with a few invented people, of whom some are gone later."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.administration import Administration
from appliance.administration.actions.directories import DRY_RUN, SYNCHRONISE
from appliance.home import Home
from appliance.model.administration import Actor
from appliance.model.directory_status import DirectoryStatus
from hsm.files import write_private
from tests.directories.authority import Authority
from tests.directories.people import GROUPS, PEOPLE, entry
from tests.directories.slapd import PASSWORD, READER, slapd

EMPLOYEES = ("赵样本", "钱样本", "孙样本", "周样本", "吴样本", "郑样本", "冯样本", "陈样本", "褚样本", "卫样本")
NEW = ("蒋样本", "沈样本")
WITHOUT_ADDRESS = "韩样本"
PATIENCE = 60.0
"""Seconds in which the scheduler does what it was asked for, and tells the console."""

AT_FIRST = "(&(uid=*)(!(title=new)))"
LATER = "(&(uid=*)(!(title=new))(!(title=away)))"
TO_COME = "(&(uid=*)(!(title=away)))"


@contextmanager
def house_directory(home: Home) -> Iterator[None]:
    """A server as long as the context lasts; the settings of *home*, which is not served yet, name it."""
    with tempfile.TemporaryDirectory(prefix="vermilion-") as folder:
        authority = Authority(Path(folder))
        with slapd(Path(folder, "server"), list(_records()), authority.issue("127.0.0.1")) as server:
            lines = [f'url = "ldaps://127.0.0.1:{server.ldaps}"', f'tls = "{authority.path}"']
            lines += [f'bind_dn = "{READER}"', f'people = "{PEOPLE}"', f'groups = "{GROUPS}"']
            with home.settings.open("a", encoding="utf-8") as settings:
                settings.write("\n".join(["\n[ldap]", *lines, f'filter = "{AT_FIRST}"', ""]))
            write_private(home.secrets / "ldap.password", f"{PASSWORD}\n".encode())
            yield


def _records() -> Iterator[str]:
    for number, name in enumerate((*EMPLOYEES, *NEW, WITHOUT_ADDRESS)):
        login = f"sample{number + 1:02}"
        titles = {0: "away", 1: "away", 2: "away"} | {len(EMPLOYEES) + at: "new" for at in range(len(NEW))}
        found: dict[str, str | list[str]] = {
            "objectClass": "inetOrgPerson",
            "uid": login,
            "cn": name,
            "sn": name[0],
            "title": titles.get(number, "here"),
            "departmentNumber": "采购部" if number % 2 else "销售部",
        }
        if name != WITHOUT_ADDRESS:
            found["mail"] = f"{login}@alpha.example"
        yield entry(f"uid={login},{PEOPLE}", found)


def changes_in_the_house(home: Home, administration: Administration, by: Actor) -> None:
    """Three are gone, which waits for two administrators; a dry run tells of two who are new."""
    _await(administration, lambda status: bool(status.report.users))
    _filter(home, AT_FIRST, LATER)
    administration.requests.submit_request(SYNCHRONISE, {}, by=by)
    _await(administration, lambda status: bool(status.report.held))
    _filter(home, LATER, TO_COME)
    administration.requests.submit_request(DRY_RUN, {}, by=by)
    _await(administration, lambda status: status.differences is not None and not status.asked)
    _filter(home, TO_COME, LATER)


def _filter(home: Home, before: str, after: str) -> None:
    text = home.settings.read_text(encoding="utf-8")
    home.settings.write_text(text.replace(f'"{before}"', f'"{after}"'), encoding="utf-8")


def _await(administration: Administration, holds: Callable[[DirectoryStatus], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while (status := administration.directory.status()) is None or not holds(status):
        if time.monotonic() > end:
            raise TimeoutError("the scheduler does not tell of the directory")
        time.sleep(0.5)
