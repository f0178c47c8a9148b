"""The console's part of the stage: administrators of each kind, acts, a month of figures, a fault."""

from __future__ import annotations

import base64
import math
import random
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from appliance.accounts.sessions import ClientInfo
from appliance.administration import COMMAND, CONSOLE, Administration, open_administration
from appliance.administration.confirmed import ConfirmedKey, RootConfirmations
from appliance.api_clients import new_client_id, new_secret, secret_digest
from appliance.clock import utc_now
from appliance.config import Settings
from appliance.health import Condition, Observations
from appliance.model.administration import ROOT, Actor, AdministratorRole, NewAdministrator, subject_of
from appliance.model.api_clients import ClientAuthentication, ClientTerms, Scope
from appliance.sharing import make_directory
from appliance.store.health import figures
from appliance.wiring import open_appliance
from hsm.activation.credentials import code_at, step_of
from hsm.authenticator import SoftwareAuthenticator
from scripts.screenshots.house import changes_in_the_house

SYSTEM, SECURITY, AUDITOR = "sun", "zhou", "wu"
PEOPLE = {
    SYSTEM: ("孙运维", AdministratorRole.SYSTEM),
    SECURITY: ("周安全", AdministratorRole.SECURITY),
    AUDITOR: ("吴审计", AdministratorRole.AUDITOR),
}
PASSWORD = "窗外的雨下了一整夜 & 两盏灯"  # noqa: S105  # of nobody: the home goes with the pictures
FAILED = "vermilion-backup.service"
MONTH = 24 * 31
YEAR = timedelta(days=365)
PATIENCE = 60.0
"""Seconds in which the health monitor has run a round."""


@dataclass(frozen=True, slots=True)
class Operators:
    """Session cookies by login, and the id of the act that waits for the second person."""

    sessions: Mapping[str, str]
    waiting: str


def operators(settings: Settings) -> Operators:
    """Everything that the console's pages show, made by what really makes it."""
    make_directory(settings.home.alarms)
    (settings.home.alarms / FAILED).write_text(f"{utc_now():%Y-%m-%dT%H:%M:%SZ} exit-code\n", encoding="utf-8")
    _figures(settings)
    with open_administration(settings, now=utc_now, process=COMMAND) as administration:
        sessions = {login: _set_up(administration, login) for login in PEOPLE}
    _keys(settings)
    _clients(settings)
    # What takes two is signed by devices that nobody holds here: it is said on the machine instead.
    with open_administration(settings, now=utc_now, process=replace(CONSOLE, attests=True)) as administration:
        waiting = _acts(administration)
        changes_in_the_house(settings.home, administration, Actor(SYSTEM, AdministratorRole.SYSTEM))
    _watched(settings)
    return Operators(sessions, waiting)


def _set_up(administration: Administration, login: str) -> str:
    name, role = PEOPLE[login]
    administration.administrators.add(NewAdministrator(login, name, f"{login}@ops.example", role), by=ROOT)
    welcoming, token = administration.account_setup, administration.administrators.link(login, by=ROOT).token
    welcoming.choose_password(welcoming.open_link(token), PASSWORD)
    draft = welcoming.code_draft(welcoming.open_link(token))
    code = code_at(base64.b32decode(draft.secret), step_of(utc_now()))
    where = ClientInfo("192.0.2.7", "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0")
    return welcoming.finish_with_code(welcoming.open_link(token), draft.sealed, code, where).secret


def _keys(settings: Settings) -> None:
    """So that pages offer to sign."""
    console = settings.console
    for login in (SYSTEM, SECURITY):
        device = SoftwareAuthenticator.create(console.relying_party, console.origin)
        public_key = bytes.fromhex(device.credential()["public_key"])
        key = ConfirmedKey(login, PEOPLE[login][1], device.credential_id, public_key)
        RootConfirmations(settings.home.confirmed).confirm_key(key)


def _clients(settings: Settings) -> None:
    """Programs that use the API; the scheduler tells the console of them within seconds."""
    reading = {Scope.CONTRACTS_READ, Scope.EVIDENCE_READ}
    program = ClientTerms(
        "ERP",
        frozenset({*reading, Scope.CONTRACTS_WRITE, Scope.LINKS_WRITE}),
        frozenset({settings.organisation.name}),
        frozenset({"采购合同"}),
        frozenset({"https://erp.enterprise.example"}),
    )
    archive = ClientTerms("档案系统", frozenset(reading), frozenset({settings.organisation.name}))
    with open_appliance(settings) as appliance:
        register = appliance.api_clients
        for client, proof in (
            (program, ClientAuthentication(secret=secret_digest(new_secret()))),
            (archive, ClientAuthentication(certificate="c3" * 32, certificate_expires=utc_now() + YEAR)),
        ):
            made = register.create(new_client_id(), client, proof, by=subject_of(SYSTEM))
            register.grant(made, made.scopes, certificate=proof.certificate)


def _acts(administration: Administration) -> str:
    acts = administration.requests
    system, security = Actor(SYSTEM, AdministratorRole.SYSTEM), Actor(SECURITY, AdministratorRole.SECURITY)
    acts.submit_request("crl.issue", {}, by=system)
    acts.refuse_request(acts.submit_request("release.rollback", {}, by=system).id, by=security)
    new = {"login": "zheng", "name": "郑值班", "email": "zheng@ops.example", "role": "system"}
    acts.submit_request("administrators.add", new, by=security)
    return acts.submit_request("release.upgrade", {"version": "0.2.0"}, by=system).id


def _figures(settings: Settings) -> None:
    """A month of an office that works from Monday to Friday, hour by hour."""
    chance = random.Random(2026)  # noqa: S311  # a drawing, always the same one
    totals: dict[str, float] = {}
    free, now = float(shutil.disk_usage(settings.home.root).free), utc_now()
    with closing(Observations(settings.home.health)) as observations, observations.database().transaction() as tx:
        for ago in range(MONTH, 0, -1):
            hour = (now - timedelta(hours=ago)).replace(minute=0, second=0, microsecond=0)
            for name, value in _measured(hour, chance, free + ago * 2e7, totals):
                figures.add_figure(tx, name, hour, value)


def _measured(
    hour: datetime, chance: random.Random, free: float, totals: dict[str, float]
) -> Iterator[tuple[str, float]]:
    local = hour + timedelta(hours=8)
    works = 7 <= local.hour <= 19 and local.weekday() < 5
    busy = math.sin((local.hour - 7) / 12 * math.pi) if works else 0.03
    for name, most in (("vermilion_timestamps_total", 150), ("vermilion_signatures_total", 24)):
        totals[name] = totals.get(name, 0.0) + round(busy * most * chance.uniform(0.6, 1.0))
        yield name, totals[name]
    yield "vermilion_clock_offset_seconds", 8e-5 * math.sin(hour.hour / 3) + chance.gauss(0, 2e-5)
    yield "vermilion_clock_error_seconds", 0.002 + 4e-4 * math.sin(hour.hour / 2) + abs(chance.gauss(0, 1e-4))
    yield "vermilion_authority_answer_seconds", 0.004 + 0.003 * busy + abs(chance.gauss(0, 5e-4))
    yield "vermilion_database_commit_seconds", 0.0012 + 9e-4 * busy + abs(chance.gauss(0, 2e-4))
    yield 'vermilion_disk_free_bytes{place="home"}', free
    yield "vermilion_log_waiting", float(round(busy * chance.uniform(0, 2)))


def _watched(settings: Settings) -> None:
    """Until the health monitor has seen what failed."""
    deadline = time.monotonic() + PATIENCE
    with closing(Observations(settings.home.health)) as observations:
        while time.monotonic() < deadline:
            found = {each.finding.name: each.finding.condition for each in observations.survey(utc_now()).observed}
            if found.get("services") is Condition.FAILING:
                return
            time.sleep(0.5)
