"""A real home for tests: SoftHSM token, ceremony, running authority, the demonstration's people enrolled."""

from __future__ import annotations

import atexit
import io
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite
from reportlab.pdfgen.canvas import Canvas

from appliance.cli.founding import found_home
from appliance.config import Settings, load
from appliance.confinement.pool import Confinement
from appliance.contracts.agreement import AgreementSides
from appliance.contracts.crash_safety import FailpointHook, ignore_failpoint
from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import (
    CONTRACT_SEAL,
    CUSTODIAN,
    LI,
    OFFICER,
    ZHANG,
    ZONE,
    DemonstrationAuthenticators,
)
from appliance.errors import NotFound
from appliance.home import Home
from appliance.language import Language
from appliance.ledger import Sequencer
from appliance.ledger.disclosure import Audience
from appliance.model.contract import AgreementSide, Contract, Deadline, SigningOrder
from appliance.model.intent import AgreementRecord
from appliance.model.people import Person
from appliance.model.powers import Power
from appliance.store import contracts
from appliance.wiring import Appliance, open_appliance
from hsm.client import AuthorityClient
from hsm.errors import ActivationRefused, AuthorityUnreachable
from hsm.intents import OfficerIntent, SigningIntent
from tests.authority import end, wait_until_unlocked
from tests.shared import made_once
from tests.warm_programs import StartedCopy, start_authority

OURS = Audience.of_person(ZHANG)
"""The organisation of who drafts the tests' contracts."""


@dataclass(frozen=True, slots=True)
class World:
    """A home whose authority runs."""

    home: Home
    settings: Settings

    @contextmanager
    def opened(
        self, *, role: str = "web", reach: FailpointHook = ignore_failpoint, ahead: timedelta = timedelta()
    ) -> Iterator[Appliance]:
        """The appliance as one process sees it, with a clock that is *ahead* of the real one. What starts confined
        processes is the same for all worlds, as it is warm after a second of work."""

        def now() -> datetime:
            return datetime.now(UTC) + ahead

        with open_appliance(
            self.settings, role=role, reach=reach, now=now, confinement=shared_confinement()
        ) as appliance:
            yield appliance


@contextmanager
def shared_world(*, pins: bool = False) -> Iterator[World]:
    """A home of its own with everybody enrolled; both companies have agreed to sign electronically. With *pins*
    the weaker way to activate is taken too."""
    with tempfile.TemporaryDirectory(prefix="vermilion-") as directory:
        home = copy_home(template_home(), Path(directory))
        if pins:
            take_pins(home)
        with authority(home):
            yield World(home, load(home))


def take_pins(home: Home) -> None:
    """Before the authority of *home* starts: PIN and code activate too, which a new home refuses."""
    settings = home.authority_settings.read_text(encoding="utf-8")
    assert settings.count("\npin_totp = false\n") == 1
    settings = settings.replace("\npin_totp = false\n", "\npin_totp = true\n")
    home.authority_settings.write_text(settings, encoding="utf-8")


@cache
def template_home() -> Home:
    """What each world is a copy of."""
    return Home(made_once("home", make_template_home))


@cache
def shared_confinement() -> Confinement:
    """The confined processes of all tests of this process: to start their parent takes seconds."""
    confinement = Confinement(template_home().cache)
    atexit.register(confinement.close)
    return confinement


def make_template_home(root: Path) -> Home:
    """A home at *root* whose people may sign at once; nothing runs in it any more. Ceremony, people and their
    agreement cost seconds, a copy (:func:`copy_home`) costs none."""
    home = Home(root)
    found_home(home, say=lambda _message, **_values: None, environment=os.environ)
    with authority(home), open_appliance(load(home)) as appliance:
        agree(appliance, ZHANG, LI.organisation)
        agree(appliance, LI, ZHANG.organisation)
        appliance.workshop.text(sample_document(1))  # the typefaces are in the cache then
    return home


def copy_home(resting: Home, root: Path, *, shares_cache: bool = False) -> Home:
    """A copy of the *resting* home at *root*, with tokens of its own. What can be made again at any time is
    linked, or shared altogether."""
    cache = resting.cache.name
    shutil.copytree(resting.root, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sock", cache))
    if shares_cache:
        (root / cache).symlink_to(resting.cache)
    else:
        shutil.copytree(resting.cache, root / cache, copy_function=os.link)
    configuration = root / "hsm/softhsm2.conf"
    text = configuration.read_text(encoding="utf-8")
    configuration.write_text(text.replace(str(resting.root), str(root)), encoding="utf-8")
    return Home(root)


def link_typefaces(home: Home) -> None:
    """The typefaces that the processes of a new *home* would take out first, which costs two seconds each time."""
    shutil.copytree(template_home().cache / "typefaces", home.cache / "typefaces", copy_function=os.link)


def agree(appliance: Appliance, person: Person, *others: str) -> AgreementRecord:
    """*person* accepts for the own company the agreement on electronic signing with the companies *others*."""
    between = AgreementSides(person.side, tuple(AgreementSide(other) for other in others))
    proposal = appliance.agreements.propose(person.subject, between)
    confirm(appliance, proposal.intent)
    return appliance.agreements.accept(proposal.id, by=person.subject)


@contextmanager
def authority(home: Home) -> Iterator[StartedCopy]:
    """The authority of *home* as a process of its own, serving."""
    log = home.root / "log-authority.txt"
    process = start_authority({**os.environ, "VERMILION_HOME": str(home.root)}, log)
    try:
        _wait_until_it_serves(home, process, log)
        yield process
    finally:
        end(process)
        wait_until_unlocked(home.root)  # its workers may outlive it by a moment, with the store open


def _wait_until_it_serves(home: Home, process: StartedCopy, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with AuthorityClient(home.authority_socket("web")) as client:
                client.status()
                return
        except AuthorityUnreachable:
            time.sleep(0.05)
    raise AssertionError(f"the authority does not serve: {log.read_text()}")


def confirm(appliance: Appliance, act: SigningIntent) -> None:
    """The right people activate *act*: the signer, or a seal's custodian and the one who asks for it."""
    subjects = [act.signer]
    if act.signer == CONTRACT_SEAL.subject:
        subjects = [CUSTODIAN.subject, ZHANG.subject]
    for subject in subjects:
        confirm_by(appliance, subject, act)


def confirm_by(appliance: Appliance, subject: str, act: SigningIntent | OfficerIntent) -> None:
    """*subject* activates *act*, whether or not they may."""
    DemonstrationAuthenticators(appliance.settings.home).confirm(subject, act)


def confirm_power(appliance: Appliance, power_id: str) -> Power:
    """The officer confirms the power, which counts from then on."""
    know_officer(appliance)
    decisions = appliance.office.decisions
    act = appliance.office.drafts.powers.draft_confirmation(power_id, by=OFFICER)
    confirm_by(appliance, OFFICER, decisions.to_activate(act))
    decisions.perform_decision(act.id, by=OFFICER)
    return appliance.powers.get(power_id)


def know_officer(appliance: Appliance) -> None:
    """The ceremony's officer is somebody here, too; a new home knows only those who sign."""
    try:
        appliance.registry.person(OFFICER)
    except NotFound:
        person = Person(OFFICER, "王登记", ZHANG.organisation, "wang@alpha.example", Language.CHINESE, ZONE)
        appliance.registry.add_person(person, None, by=OFFICER)


def require_refused(
    appliance: Appliance,
    subject: str,
    act: SigningIntent | OfficerIntent,
    *,
    match: str = ".",
    instead: SigningIntent | OfficerIntent | None = None,
) -> None:
    """The authority refuses the activation of *act* by *subject*, who has activated another act *instead* where
    one is given, with a sentence that has *match* in it; and remembers nothing of it."""
    home = appliance.settings.home
    before = appliance.authority.approvals(act)
    activation = DemonstrationAuthenticators(home).activate(subject, instead or act)
    with (
        AuthorityClient(home.authority_socket("activation")) as service,
        pytest.raises(ActivationRefused, match=match),
    ):
        service.approve(act, activation)
    assert appliance.authority.approvals(act) == before


def send(appliance: Appliance, document: bytes, *, order: SigningOrder = SigningOrder.SEQUENTIAL) -> Contract:
    """A contract that waits for Zhang, Li, and the seal that Zhang asks for; due in three days."""
    terms = DraftTerms(
        title="设备采购合同",
        kind="采购",
        purpose="采购示例设备",
        initiator=ZHANG.subject,
        deadline=Deadline(appliance.now() + timedelta(days=3), ZONE),
        order=order,
    )
    draft = appliance.drafting.draft(document, terms)
    appliance.drafting.add_person(draft.id, subject=ZHANG.subject, by=ZHANG.subject)
    appliance.drafting.add_person(draft.id, subject=LI.subject, by=ZHANG.subject)
    appliance.drafting.add_seal(draft.id, seal=CONTRACT_SEAL.subject, requester=ZHANG.subject, by=ZHANG.subject)
    return appliance.sending.send(draft.id, by=ZHANG.subject)


def contract_now(appliance: Appliance, contract_id: str) -> Contract:
    """The contract as it stands; nobody's permission is asked."""
    return appliance.database.query(contracts.load_contract, contract_id)


def sample_document(pages: int = 3) -> bytes:
    """A plain PDF with some lines on each page."""
    stream = io.BytesIO()
    canvas = Canvas(stream)
    for page in range(1, pages + 1):
        for line in range(30):
            canvas.drawString(72, 780 - 18 * line, f"Page {page}, clause {line}: the parties agree.")
        canvas.showPage()
    canvas.save()
    return stream.getvalue()


@contextmanager
def sequenced(appliance: Appliance, world: World) -> Iterator[None]:
    """The log's entries get their places, as the scheduler does it."""
    over = threading.Event()
    with AuthorityClient(world.home.authority_socket("scheduler")) as scheduler:
        sequencer = Sequencer(appliance.database, scheduler)

        def run() -> None:
            while not over.wait(0.1):
                sequencer.run_once()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@contextmanager
def kept(database: Path, folder: Path) -> Iterator[None]:
    """Whatever happens inside, the *database* is afterwards as it was; until then its copy lies in *folder*."""
    with closing(sqlite.connect(folder / "kept.sqlite")) as copy:
        with closing(sqlite.connect(database)) as live:
            live.backup(copy)
        try:
            yield
        finally:
            with closing(sqlite.connect(database)) as live:
                copy.backup(live)


def with_parts(appliance: Appliance, **parts: object) -> Appliance:
    """Another appliance with *parts* in place of those of *appliance*, and all others the same."""
    other = copy(appliance)
    for name, part in parts.items():
        setattr(other, name, part)
    return other
