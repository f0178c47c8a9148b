"""One contract for which all is demanded that can be: refused until it is there, proven by its package."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.config import load
from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import ALPHA, BETA, CONTRACT_SEAL, CUSTODIAN, LI, ZHANG, ZONE
from appliance.errors import NotFound, PreconditionRefused
from appliance.evidence import container
from appliance.evidence.exporting import Exporting
from appliance.evidence.repacked import read_zip
from appliance.identity import IdentityCheck
from appliance.ledger import Sequencer
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.contract import Contract, Deadline, Money, SigningOrder
from appliance.model.intent import SigningOrigin
from appliance.model.people import Against, IdentityDocument
from appliance.model.powers import PowerBasis, PowerScope
from appliance.powers.register import PowerDraft
from appliance.store import accounts
from appliance.wiring import Appliance
from hsm.client import AuthorityClient
from tests.command import called, started
from tests.evidence.unpacked import unpack
from tests.review.documents import purchase
from tests.sweeps import first_of
from tests.world import OURS, World, confirm, confirm_power, contract_now, sample_document, shared_world

POLICY = """
[identity]
required = "everybody"
[powers]
required = true
[review]
before_sending = "signed-off"
[seals]
after_review = true
"""
KIND, AMOUNT = "采购", Money(100_000_000, "CNY")
NUMBER = "110101199001011237"
CARRIED = ("authority", "review", "agreement", "log", "history")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with shared_world() as running:
        running.home.policy.write_text(POLICY, encoding="utf-8")
        yield World(running.home, load(running.home))


@pytest.fixture(scope="module")
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as opened:
        yield opened


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


def known(appliance: Appliance) -> None:
    """Zhao reviews what Zhang initiates."""
    with appliance.database.transaction() as tx:
        for person in (ZHANG, CUSTODIAN):
            try:
                accounts.account(tx, person.subject)
            except NotFound:
                handle = person.subject.encode()[-16:].rjust(16)
                accounts.insert_account(tx, person.subject, person.subject, handle=handle, now=appliance.now())
                accounts.set_password(tx, person.subject, "$argon2id$not-used")
                accounts.set_state(tx, person.subject, AccountState.ACTIVE)
            accounts.set_roles(
                tx, person.subject, (AccountRole.INITIATOR, AccountRole.SIGNER, AccountRole.REVIEWER)
            )


def drafted(appliance: Appliance) -> Contract:
    """Zhang for Alpha, Li for Beta, and Alpha's contract seal."""
    deadline = Deadline(appliance.now() + timedelta(days=3), ZONE)
    terms = DraftTerms("设备采购合同", KIND, "示例", ZHANG.subject, deadline, SigningOrder.SEQUENTIAL)
    draft = appliance.drafting.draft(purchase(), replace(terms, amount=AMOUNT))
    appliance.drafting.add_person(draft.id, subject=ZHANG.subject, by=ZHANG.subject)
    appliance.drafting.add_person(draft.id, subject=LI.subject, by=ZHANG.subject)
    appliance.drafting.add_seal(draft.id, seal=CONTRACT_SEAL.subject, requester=ZHANG.subject, by=ZHANG.subject)
    return contract_now(appliance, draft.id)


def reviewed(appliance: Appliance, draft: Contract) -> None:
    appliance.reviewing.ask(draft.id, by=ZHANG.subject)
    appliance.reviewing.sign_off(draft.id, by=CUSTODIAN.subject, seen=draft.original.digest)


def identified(appliance: Appliance, subject: str) -> None:
    check = IdentityCheck(
        IdentityDocument.ID_CARD, "110101199001011237", Against.ORIGINAL, answers=CUSTODIAN.subject
    )
    appliance.identity.record(subject, check, by=CUSTODIAN.subject)


def empowered(appliance: Appliance, agent: str, grantor: str, *, by: str) -> str:
    """A verified power for this contract; its id."""
    now = appliance.now()
    scope = PowerScope(kinds=(KIND,), limit=AMOUNT, seals=(CONTRACT_SEAL.subject,) if grantor == ALPHA else ())
    until = now + timedelta(days=30)
    draft = PowerDraft(PowerBasis.INSTRUMENT, grantor, "钱示例", agent, scope, now - timedelta(days=1), until)
    registered = appliance.powers.register(draft, sample_document(1), by=by)
    return confirm_power(appliance, registered.id).id


def sign(appliance: Appliance, contract: Contract, position: int) -> Contract:
    """One party's signature, without any page."""
    where = SigningOrigin("192.0.2.7", "上海，示例大厦")
    prepared = appliance.cycle.prepare(contract.id, contract.parties[position].id, where)
    confirm(appliance, prepared.intent)
    appliance.cycle.sign(prepared.id)
    return appliance.cycle.complete(prepared.id)


@pytest.fixture(scope="module")
def package(appliance: Appliance, world: World) -> bytes:
    """Each condition is missing once, and what it belongs to is refused; then all is there."""
    known(appliance)
    draft = drafted(appliance)
    with pytest.raises(PreconditionRefused, match="identity"):
        appliance.sending.send(draft.id, by=ZHANG.subject)
    identified(appliance, ZHANG.subject)
    identified(appliance, LI.subject)
    with pytest.raises(PreconditionRefused, match="power"):
        appliance.sending.send(draft.id, by=ZHANG.subject)
    empowered(appliance, ZHANG.subject, ALPHA, by=CUSTODIAN.subject)
    empowered(appliance, LI.subject, BETA, by=ZHANG.subject)
    with pytest.raises(PreconditionRefused, match="content check off"):
        appliance.sending.send(draft.id, by=ZHANG.subject)
    reviewed(appliance, draft)
    contract = appliance.sending.send(draft.id, by=ZHANG.subject)
    contract = sign(appliance, sign(appliance, contract, 0), 1)
    contract = sign(appliance, contract, 2)
    with sequenced(appliance, world):
        appliance.finalisation.finalise(contract.id)
        return Exporting(appliance).export(contract.id, OURS).package


@pytest.fixture
def folder(package: bytes, tmp_path: Path) -> Path:
    return unpack(package, tmp_path / "package")


def test_the_package_carries_all_of_it(package: bytes, folder: Path) -> None:
    files = set(read_zip(package).files)
    assert {"review/check.json", "review/sign-off.json"} <= files
    assert len([path for path in files if path.startswith("authority/power-") and path.endswith(".pdf")]) == 2
    assert len([path for path in files if path.startswith("agreement/") and path.endswith(".p7s")]) >= 2
    kinds = [event["kind"] for event in json.loads((folder / "history/history.json").read_bytes())["events"]]
    for kind in ("contract-drafted", "contract-sent", "party-signed", "contract-completed"):
        assert kind in kinds
    decisions = [json.loads(path.read_bytes()) for path in sorted((folder / "authority").glob("[0-9]*.json"))]
    assert {decision["identity"]["ending"] for decision in decisions if decision.get("identity")} == {"1237"}
    assert NUMBER.encode() not in package


def test_the_command_passes_it_and_notices_each_part_that_is_touched(
    package: bytes, world: World, tmp_path: Path
) -> None:
    def verdict(content: bytes) -> int:
        path = tmp_path / "evidence.zip"
        path.write_bytes(content)
        return called(world.home.root, "verify", path, "--trust", world.home.trust / "ca.pem").exit_code

    assert verdict(package) == 0
    program = started(world.home.root, "verify", tmp_path / "evidence.zip", "--trust", world.home.trust / "ca.pem")
    assert program.returncode == 0, program.stdout + program.stderr
    files = {path: bytes(data) for path, data in read_zip(package).files.items()}
    touched = [
        path for path in files if path.split("/")[0] in ("authority", "review", "agreement", "log", "history")
    ]
    for path in touched[:: max(1, len(touched) // 8)]:
        data = files[path]
        changed = data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]
        assert verdict(container.write_container(files | {path: changed})) == 1, path


@pytest.mark.parametrize(
    "command", first_of([["sh", "check.sh"], [sys.executable, "-I", "check.py"]]), ids=["sh", "python"]
)
def test_strangers_pass_it_without_us(folder: Path, command: list[str]) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
