"""Who may ask for what, and who may be the second person: our own table, which the registry is held against."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from appliance.administration.action import Action, ArgumentKind
from appliance.home import make_directory
from appliance.model.administration import AdministratorRole
from tests.administration.conftest import RECEIVER, Site

S, Y, A = AdministratorRole.SYSTEM, AdministratorRole.SECURITY, AdministratorRole.AUDITOR

ASKED_BY = {
    "maintenance.begin": {S},
    "maintenance.end": {S},
    "backup.now": {S},
    "drill.now": {S},
    "restore": {S},
    "release.upgrade": {S},
    "release.rollback": {S},
    "cluster.switch_over": {S},
    "cluster.drill": {S},
    "service.restart": {S},
    "authority.restart": {S},
    "alarm.dismiss": {S, Y},
    "log.anchor": {S},
    "retries.contract": {S},
    "retries.mail": {S},
    "mail.test": {S},
    "webhooks.add": {S},
    "webhooks.suspend": {S, Y},
    "webhooks.resume": {S},
    "webhooks.test": {S, Y},
    "webhooks.replay": {S, Y},
    "webhooks.remove": {S, Y},
    "gateway.test": {S},
    "keys.rotate": {S},
    "keys.revoke": {S},
    "keys.keeper": {S, Y},
    "keys.keeper_end": {S, Y},
    "authority.lock": {S, Y},
    "crl.issue": {S, Y},
    "api.create_client": {S, Y},
    "api.suspend_client": {S, Y},
    "api.resume_client": {S, Y},
    "api.change_origins": {S, Y},
    "api.rotate_secret": {S, Y},
    "api.change_certificate": {S, Y},
    "directory.synchronise": {S, Y},
    "directory.dry_run": {S, Y},
    "directory.release": {S, Y},
    "administrators.add": {Y},
    "administrators.link": {Y},
    "administrators.reset": {Y},
    "administrators.suspend": {Y},
    "administrators.resume": {Y},
    "administrators.unlock": {Y},
    "administrators.remove": {Y},
}
APPROVED_BY = {
    "authority.restart": {Y},
    "webhooks.add": {Y},
    "webhooks.resume": {Y},
    "keys.rotate": {Y},
    "keys.revoke": {Y},
    "keys.keeper": {Y},
    "keys.keeper_end": {Y},
    "restore": {Y},
    "release.upgrade": {Y},
    "release.rollback": {Y},
    "cluster.switch_over": {Y},
    "cluster.drill": {Y},
    "api.create_client": {Y},
    "api.resume_client": {Y},
    "api.change_origins": {Y},
    "api.rotate_secret": {Y},
    "api.change_certificate": {Y},
    "directory.release": {Y},
    "administrators.add": {S, Y},
    "administrators.link": {S, Y},
    "administrators.reset": {S, Y},
    "administrators.resume": {S, Y},
    "administrators.remove": {S, Y},
}


def arguments_of(action: Action) -> dict[str, str]:
    """Good ones."""
    good = {ArgumentKind.NUMBER: "7", ArgumentKind.MOMENT: "2027-01-31T22:00+08:00"}
    own = OWN.get(action.name, {})
    return {
        each.name: own.get(each.name) or (each.choices[0] if each.choices else good.get(each.kind, "some"))
        for each in action.arguments
    }


OWN = {
    "webhooks.add": {
        "client": "client-0123456789abcdef",
        "url": f"https://{RECEIVER}/hook",
        "types": "contract.sent",
    },
    "directory.release": {"digest": "0f" * 32},
}
"""Where no text would do."""


@contextmanager
def listening(site: Site) -> Iterator[None]:
    """Something listens on the privileged helper's socket and does nothing: a request is under way, never done."""
    with socket.socket(socket.AF_UNIX) as bell:
        make_directory(site.settings.home.run)
        bell.bind(str(site.settings.home.run / "steward.sock"))
        bell.listen(1000)
        yield
