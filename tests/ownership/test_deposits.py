"""Deposits: what is refused, what is recorded, and what outside judges say of what comes out."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.demonstration.participants import LI, ZHANG
from appliance.errors import NotFound, PreconditionRefused
from appliance.language import Language
from appliance.ownership import DepositOrder, deposits
from appliance.ownership.deposits import CertificateFacts
from appliance.verification import Indication
from appliance.wiring import Appliance
from tests.sweeps import first_of
from tests.world import World, shared_world


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with shared_world() as world:
        yield world


@pytest.fixture(scope="module")
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as appliance:
        yield appliance


def order(content: bytes = b"a design", title: str = "设计图 <b>𠮷野</b>") -> DepositOrder:
    return DepositOrder(title, hashlib.sha256(content).hexdigest(), "design.png", len(content))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (DepositOrder(" ", "0" * 64), "title"),
        (DepositOrder("t" * 201, "0" * 64), "at most 200"),
        (DepositOrder("two\x00lines", "0" * 64), "control"),
        (DepositOrder("t", "0" * 63), "64 characters"),
        (DepositOrder("t", "g" * 64), "64 characters"),
        (DepositOrder("t", "0" * 64, size=-1), "bytes"),
    ],
)
def test_what_says_too_little_or_too_much_is_refused(
    appliance: Appliance, wrong: DepositOrder, sentence: str
) -> None:
    with pytest.raises(PreconditionRefused, match=sentence):
        appliance.ownership.deposit(wrong, by=ZHANG.subject)


def test_openssl_confirms_the_token_and_our_verifier_the_certificate(
    appliance: Appliance, world: World, tmp_path: Path
) -> None:
    deposit = appliance.ownership.deposit(order(), by=ZHANG.subject)
    (tmp_path / "file").write_bytes(b"a design")
    (tmp_path / "token.tsr").write_bytes(appliance.ownership.reply(deposit))
    arguments = ["-in", "token.tsr", "-data", "file", "-CAfile", str(world.home.trust / "ca.pem")]
    done = subprocess.run(["openssl", "ts", "-verify", *arguments], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    document = appliance.ownership.certificate(deposit)
    assert appliance.verifier.verify_pdf(document).indication is Indication.PASSED
    text = "".join(appliance.workshop.text(document))
    assert "<b>𠮷野</b>" in text
    assert deposit.digest[:8] in text


def test_a_changed_certificate_does_not_pass(appliance: Appliance) -> None:
    deposit = appliance.ownership.deposit(order(b"another"), by=ZHANG.subject)
    document = bytearray(appliance.ownership.certificate(deposit))
    document[len(document) // 3] ^= 1
    assert appliance.verifier.verify_pdf(bytes(document)).indication is Indication.FAILED


def test_the_same_file_is_deposited_once_by_a_person_and_again_by_another(appliance: Appliance) -> None:
    first = appliance.ownership.deposit(order(b"shared"), by=ZHANG.subject)
    assert appliance.ownership.deposit(order(b"shared", "another title"), by=ZHANG.subject) == first
    second = appliance.ownership.deposit(order(b"shared"), by=LI.subject)
    assert [each.id for each in appliance.ownership.of_digest(first.digest)] == [first.id, second.id]
    assert appliance.ownership.of_digest("' OR 1=1") == []


def test_a_deposit_is_its_depositors_alone(appliance: Appliance) -> None:
    deposit = appliance.ownership.deposit(order(b"mine"), by=ZHANG.subject)
    assert appliance.ownership.get(deposit.id, by=ZHANG.subject) == deposit
    with pytest.raises(NotFound):
        appliance.ownership.get(deposit.id, by=LI.subject)


@pytest.mark.parametrize("language", first_of(Language))
def test_the_page_is_one_page_in_either_language(appliance: Appliance, language: Language) -> None:
    deposit = appliance.ownership.deposit(order(b"pages"), by=ZHANG.subject)
    facts = CertificateFacts(
        number=deposit.id,
        title="题" * 200,
        depositor="名" * 60,
        organisation="司" * 60,
        file="档" * 200,
        digest=deposit.digest,
        size=2**53 - 1,
        at=deposit.at,
        zone="Asia/Shanghai",
        serial="f" * 40,
        issuer="司" * 60,
        address="https://" + "a" * 60 + ".example",
    )
    made = deposits.certificate_pdf(facts, language)
    assert len(appliance.workshop.inspect(made).pages) == 1
