"""The people of the tested machine, all invented: what is known of them outside, so that they can come again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hsm.authenticator import SoftwareAuthenticator
from tests.accounts.device import Device
from tests.machine.visitor import CONSOLE, HERE, HTTPS, Address, Visitor

HOST = "sign.enterprise.example"
ORGANISATION = "示例企业有限公司"
PASSWORD = "朱砂 蜡 雨 四更 钟楼"
OFFICERS = ("olga", "otto")
SIGNERS = ("ivan", "cora")
ADMINISTRATORS = {"shi": "system", "wei": "security"}
"""Who administrates, and as what."""
SCOPES = (
    *("contracts:read", "contracts:write", "evidence:read", "people:read", "events:read", "webhooks:write"),
    *("signatures:request", "templates:read"),
)
"""What the company's program may do."""
EMPLOYEES = ("iris", "mona")
"""Who comes by the organisation's directory; the second is the first one's manager."""
NAMES = {"olga": "周登记", "otto": "冯复核", "ivan": "钱发起", "cora": "孙同事", "shi": "史运维", "wei": "魏安全"}
NAMES |= {"iris": "褚入职", "mona": "卫上级"}


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
    """Their folder, in which the machine's certificate (``tls.pem``) is, too, and its address (``place``) where
    that is not here; *port* is that of their pages."""

    def __init__(self, folder: Path, port: int = HTTPS) -> None:
        self.folder = folder
        place = folder / "place"
        where = place.read_text().strip() if place.exists() else HERE
        self.address = Address(HOST, folder / "tls.pem", port, where)

    def administration(self) -> Company:
        """Those who use the console, whose passkeys are not the portal's: in a folder of their own."""
        inside = self.folder / "administration"
        inside.mkdir(exist_ok=True)
        for name in ("tls.pem", "place"):
            if (self.folder / name).exists():
                (inside / name).write_bytes((self.folder / name).read_bytes())
        return Company(inside, CONSOLE)

    def newcomer(self, login: str) -> Person:
        """Somebody with a new passkey device."""
        return self._person(login, Device(self.address.origin, HOST))

    def person(self, login: str) -> Person:
        """Somebody who was here, with their device."""
        device = Device(self.address.origin, HOST)
        device.inside = SoftwareAuthenticator.load(self.folder / f"{login}.passkey")
        kept = json.loads((self.folder / f"{login}.json").read_text())
        device.handle = bytes.fromhex(kept["handle"])
        someone = self._person(login, device)
        someone.visitor.cookies |= kept["cookies"]
        return someone

    def _person(self, login: str, device: Device) -> Person:
        visitor = Visitor(self.address, device)

        def keep() -> None:
            device.inside.save(self.folder / f"{login}.passkey")
            kept = {"handle": device.handle.hex(), "cookies": visitor.cookies}
            (self.folder / f"{login}.json").write_text(json.dumps(kept))

        return Person(login, visitor, keep)
