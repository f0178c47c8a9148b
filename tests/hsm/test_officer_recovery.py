"""Officers who lost every authenticator: a new way in by root and the root's custodians, and by nobody else.

With the command that is typed on the machine, SoftHSM's root token whose PIN is in two parts, and the sockets.
"""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite

from hsm.authenticator import SoftwareAuthenticator
from hsm.ceremony.plan import RecoveryPlan, parse
from hsm.errors import ActivationRefused, AuthorityError, CertificateRefused, ConfigurationRefused, NotPermitted
from hsm.intents import OfficerIntent
from hsm.store.ceremonies import new_code
from tests.authority import OFFICER, ORGANISATION, ORIGIN, RP_ID, RunningAuthority, end, running_authority, start
from tests.hsm.test_ceremony import CeremonyHome

PLAN = resources.files("hsm.ceremonies").joinpath("recovery.toml").read_text(encoding="utf-8")
SECOND = "officer-second"


@dataclass(slots=True)
class Site:
    """An authority with two officers; the PIN of the root's token is in two parts in ``parts/``, nowhere else."""

    authority: RunningAuthority
    held: int = 0

    @property
    def parts(self) -> Path:
        return self.authority.root / "parts"

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """The authority stands still."""
        end(self.authority.process)
        try:
            yield
        finally:
            self.authority.process = start(self.authority.root)

    def recover(self, plan: str = PLAN, *, pins: Path | None = None) -> subprocess.CompletedProcess[str]:
        """What the command does."""
        self.held += 1
        path = self.authority.root / "recovery.toml"
        path.write_text(plan.replace('name = "recovery"', f'name = "recovery-{self.held}"'), encoding="utf-8")
        return CeremonyHome(self.authority.root).run("recover", str(path), "--pins", str(pins or self.parts))

    def codes(self, plan: str = PLAN) -> list[str]:
        with self.stopped():
            done = self.recover(plan)
        assert done.returncode == 0, done.stderr
        shown = done.stdout[done.stdout.index("recovery codes") :].splitlines()[1:]
        return [line.strip() for line in shown]

    def authenticators(self, officer: str = OFFICER) -> int:
        return len(self.authority.client("web").credentials(officer))

    def restore(self, code: str, device: SoftwareAuthenticator, officer: str = OFFICER) -> None:
        self.authority.restore(code, officer, device)

    def enrolment(self, subject: str) -> OfficerIntent:
        made = self.authority.register(subject, device())
        details = {"subject": subject, "name": "新示例", "organisation": ORGANISATION, "credentials": [made]}
        return self.authority.officer_act("enrol_person", **details)

    def enrol_by(self, officer: str, device: SoftwareAuthenticator, subject: str) -> bytes:
        act = self.enrolment(subject)
        self.authority.confirm(device, officer, act)
        return self.authority.client("web").enrol_person(act)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running_authority(workers=1) as own:
        site = Site(own)
        details = {"subject": SECOND, "name": "钱见证", "organisation": ORGANISATION}
        act = own.officer_act("enrol_officer", **details, credentials=[own.register(SECOND, device())])
        own.officer_does(own.client("web").enrol_officer, act)
        site.parts.mkdir(mode=0o700)
        pin = own.root / "secrets/root.pin"
        whole = pin.read_text().strip()
        for number, part in ((1, whole[:8]), (2, whole[8:])):
            path = site.parts / f"root.pin.{number}"
            path.write_text(part)
            path.chmod(0o600)
        pin.unlink()
        yield site


def device() -> SoftwareAuthenticator:
    return SoftwareAuthenticator.create(RP_ID, ORIGIN)


def test_nothing_happens_without_the_custodians(site: Site, tmp_path: Path) -> None:
    """Root alone, one custodian alone, a wrong part, another token: each is refused, and nothing ends."""
    one = tmp_path / "one"
    one.mkdir()
    (one / "root.pin").write_text((site.parts / "root.pin.1").read_text())
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    for name, text in (("root.pin.1", "00000000"), ("root.pin.2", (site.parts / "root.pin.2").read_text())):
        (wrong / name).write_text(text)
    for path in (*one.iterdir(), *wrong.iterdir()):
        path.chmod(0o600)
    own_token = PLAN.replace('root = "vermilion-root"', 'root = "vermilion"')
    user = tmp_path / "user"
    user.mkdir()
    (user / "root.pin").write_text((site.authority.root / "secrets/user.pin").read_text())
    (user / "root.pin").chmod(0o600)
    attempts = [
        (PLAN, site.authority.root / "secrets", "cannot be read"),
        (PLAN, one, "refused the PIN"),
        (PLAN, site.parts, "refused the PIN"),  # it is not tried again, not even the right one
        (PLAN, wrong, "refused the PIN"),
        (own_token, user, "holds 0 keys"),
    ]
    with site.stopped():
        for plan, pins, said in attempts:
            done = site.recover(plan, pins=pins)
            assert done.returncode == 1 and said in done.stderr, done.stderr
            assert "Traceback" not in done.stderr and "recovery codes" not in done.stdout
            if pins == wrong:
                assert CeremonyHome(site.authority.root).run("release-latch").returncode == 0
        nobody = PLAN.replace("officer-wang", "officer-nobody")
        for plan, said in ((nobody, "is not enrolled"), (PLAN.replace("officer-wang", "tsa"), "is no officer")):
            assert said in site.recover(plan).stderr
    assert site.authenticators() == 1
    assert site.authority.client("web").appointment().recovering == ()
    assert site.enrol_by(OFFICER, site.authority.officer, "person-before")
    running = site.recover()
    assert running.returncode == 1 and "is running" in running.stderr


def test_what_is_no_plan() -> None:
    for plan, said in (
        (PLAN[: PLAN.rindex("[[participants]]")], "two people"),
        (PLAN.replace("孙样本", "吴运维"), "two people"),
        (PLAN.replace("hours = 24", "hours = 73"), "1 to 72 hours"),
        (PLAN.replace('"officer-wang"', ""), "1 to 4 officers"),
        (PLAN.replace('["officer-wang"]', '["officer-wang", "officer-wang"]'), "each once"),
    ):
        with pytest.raises(ConfigurationRefused, match=said):
            parse(RecoveryPlan, tomllib.loads(plan), bytes(32))


def test_both_officers_lost_theirs_and_come_in_again(site: Site) -> None:
    before = site.authority.officer
    plan = PLAN.replace('["officer-wang"]', f'["{OFFICER}", "{SECOND}"]')
    web = site.authority.client("web")
    first, second = site.codes(plan)
    assert (site.authenticators(), site.authenticators(SECOND)) == (0, 0)
    assert (web.appointment().codes, set(web.appointment().recovering)) == (1, {OFFICER, SECOND})

    new = device()
    refused: tuple[tuple[str, SoftwareAuthenticator, str, type[AuthorityError]], ...] = (
        (new_code(), new, OFFICER, ActivationRefused),  # the portal alone has no code
        (second, new, OFFICER, ActivationRefused),  # somebody else's
        (first, before, OFFICER, CertificateRefused),  # what was lost, or stolen
    )
    for code, taken, officer, error in refused:
        with pytest.raises(error):
            site.restore(code, taken, officer)
    answer = new.register(site.authority.client("activation").begin_registration(OFFICER).challenge)
    for role in ("web", "operator", "console", "scheduler"):
        with pytest.raises(NotPermitted):
            site.authority.client(role).restore_officer(first, OFFICER, answer, "a form")
    with pytest.raises(ActivationRefused, match="wrong, was used"):
        site.authority.appoint(first, "officer-other", new)
    theft = site.enrolment("person-by-thief")
    site.authority.refuses(web.enrol_person, theft, before.activate(OFFICER, theft))

    site.restore(first.lower().replace("-", " "), new)
    with pytest.raises(ActivationRefused, match="wrong, was used"):
        site.restore(first, device())
    assert site.enrol_by(OFFICER, new, "person-after")
    site.restore(second, device(), SECOND)
    assert web.appointment().recovering == ()
    [*_, held] = site.authority.client("operator").ceremonies()
    assert held.name.startswith("officer-recovery-") and held.intact
    written = site.authority.client("operator").transcript(held.number)
    assert first not in written and "in 2 parts" in written and "Signature of the root's key" in written
    site.authority.officer = new


@pytest.mark.long
def test_a_code_ends_with_the_officer_it_was_left_for(site: Site) -> None:
    """Whom colleagues retire, or a later ceremony replaces, does not come back by the code of an earlier one."""
    [code] = site.codes(PLAN.replace("officer-wang", SECOND))
    act = site.authority.officer_act("retire", subject=SECOND, reason="cessation_of_operation")
    site.authority.officer_does(site.authority.client("web").retire, act)
    with pytest.raises(ActivationRefused, match="wrong, was used"):
        site.restore(code, device(), SECOND)
    assert site.authenticators(SECOND) == 0
    [code] = site.codes(PLAN.replace("officer-wang", SECOND))
    site.codes(PLAN.replace("officer-wang", SECOND).replace("restored", "replaced"))
    with pytest.raises(ActivationRefused, match="wrong, was used"):
        site.restore(code, device(), SECOND)
    assert site.authority.client("web").appointment().recovering == ()


@pytest.mark.long
def test_a_code_runs_out_and_a_newer_one_takes_its_place(site: Site) -> None:
    [old] = site.codes()
    [code] = site.codes()
    with pytest.raises(ActivationRefused):
        site.restore(old, device())
    store = sqlite.connect(site.authority.root / "authority/authority.db", isolation_level=None)
    store.execute("UPDATE recovery_codes SET expires = 1 WHERE ended IS NULL")
    with pytest.raises(ActivationRefused):
        site.restore(code, device())
    assert site.authority.client("web").appointment().recovering == ()
    with pytest.raises(sqlite.IntegrityError, match="counts once"):
        store.execute("UPDATE recovery_codes SET ended = NULL, expires = 4000000000")
    store.close()


def test_who_is_gone_is_replaced_by_somebody_else(site: Site) -> None:
    [code] = site.codes(PLAN.replace("restored", "replaced"))
    with pytest.raises(ActivationRefused):
        site.restore(code, device())
    new = device()
    site.authority.appoint(code, "officer-next", new, name="周见证")
    assert site.enrol_by("officer-next", new, "person-by-next")
    listed = CeremonyHome(site.authority.root).run("officers").stdout
    assert f"{OFFICER} 王见证, authenticators: 0" in listed and "officer-next 周见证, authenticators: 1" in listed
