"""The people of the tested machine, all invented: what is known of them outside, so that they can come again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hsm.authenticator import SoftwareAuthenticator
from tests.accounts.device import Device
from tests.machine.visitor import Address, Visitor

HOST = "sign.enterprise.example"
ORGANISATION = "示例企业有限公司"
PASSWORD = "朱砂 蜡 雨 四更 钟楼"
OFFICERS = ("olga", "otto")
SIGNERS = ("ivan", "cora")
NAMES = {"olga": "周登记", "otto": "冯复核", "ivan": "钱发起", "cora": "孙同事"}


@dataclass(slots=True)
class Person:
    """One of them at a browser; ``keep`` writes the passkey with its counter, which only goes up."""

    login: str
    visitor: Visitor
    keep: Callable[[], None]

    @property
    def name(self) -> str:
        return NAMES[self.login]

    @property
    def email(self) -> str:
        return f"{self.login}@mail.example"

    def sign_in(self) -> None:
        """With the passkey, without a name."""
        self.visitor.cookies.clear()
        page = self.visitor.good("/login")
        self.visitor.send(page.form(action="/login/passkey"))
        self.keep()


class Company:
    """The folder in which they are kept, and the machine's certificate (``tls.pem``) lies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = Address(HOST, folder / "tls.pem")

    def newcomer(self, login: str) -> Person:
        """Somebody with a new passkey device."""
        return self._person(login, Device(self.address.origin, HOST))

    def person(self, login: str) -> Person:
        """Somebody who was here, with their device."""
        device = Device(self.address.origin, HOST)
        device.inside = SoftwareAuthenticator.load(self.folder / f"{login}.passkey")
        device.handle = bytes.fromhex(json.loads((self.folder / f"{login}.json").read_text())["handle"])
        return self._person(login, device)

    def _person(self, login: str, device: Device) -> Person:
        def keep() -> None:
            device.inside.save(self.folder / f"{login}.passkey")
            (self.folder / f"{login}.json").write_text(json.dumps({"handle": device.handle.hex()}))

        return Person(login, Visitor(self.address, device), keep)
