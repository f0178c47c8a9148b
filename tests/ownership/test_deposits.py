"""Deposits: what is recorded, who finds it, and what outside judges say of what comes out."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from appliance.demonstration.participants import LI, ZHANG
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.language import Language
from appliance.model.deposits import Creation, Deposit, DepositedFile, HolderKind, RightsHolder
from appliance.ownership import DepositOrder, load_declaration
from appliance.ownership.manifest import FORMAT, MOST_FILES
from appliance.store import ledger, ownership
from appliance.verification import Indication
from appliance.wiring import Appliance
from hsm import canonical
from tests.deposits import file_of, order_of_digest, work
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
    return DepositOrder(title, (file_of("design.png", content),), work())


FOLDER = (
    file_of("作品/第一章.txt", b"one"),
    file_of("作品/empty.txt", b""),
    file_of("作品/copy of 第一章.txt", b"one"),
    file_of("作品/\U0001f600\U0001f468\u200d\U0001f469.png", b"a picture"),
    file_of("作品/gnp.\u202e\nexe", b"a name that looks like another"),
)
"""Two files alike, an empty one, an emoji, and a name with what turns the direction of reading."""


def openssl_says(world: World, folder: Path, reply: bytes, data: bytes) -> subprocess.CompletedProcess[bytes]:
    (folder / "file").write_bytes(data)
    (folder / "token.tsr").write_bytes(reply)
    arguments = ["-in", "token.tsr", "-data", "file", "-CAfile", str(world.home.trust / "ca.pem")]
    return subprocess.run(["openssl", "ts", "-verify", *arguments], cwd=folder, capture_output=True, check=False)


def test_openssl_confirms_the_token_and_our_verifier_the_certificate(
    appliance: Appliance, world: World, tmp_path: Path
) -> None:
    deposit = appliance.ownership.deposit(order(), by=ZHANG.subject)
    done = openssl_says(world, tmp_path, appliance.ownership.reply(deposit), b"a design")
    assert done.returncode == 0, done.stderr
    document = appliance.ownership.certificate(deposit)
    assert appliance.verifier.verify_pdf(document).indication is Indication.PASSED
    text = "".join(appliance.workshop.text(document))
    assert "<b>𠮷野</b>" in text
    assert deposit.digest[:8] in text


def test_of_several_files_the_manifest_is_dated_whatever_order_they_were_chosen_in(
    appliance: Appliance, world: World, tmp_path: Path
) -> None:
    made = appliance.ownership.deposit(DepositOrder("作品集", FOLDER, work()), by=ZHANG.subject)
    again = appliance.ownership.deposit(DepositOrder("作品集", FOLDER[::-1], work()), by=ZHANG.subject)
    assert again == made
    manifest = appliance.ownership.manifest(made)
    assert openssl_says(world, tmp_path, appliance.ownership.reply(made), manifest).returncode == 0
    assert openssl_says(world, tmp_path, appliance.ownership.reply(made), manifest + b"\n").returncode != 0
    listed = canonical.decode(manifest)
    assert listed["format"] == FORMAT
    assert [each["name"] for each in listed["files"]] == sorted(each.name for each in FOLDER)
    assert {(each["name"], each["sha256"], each["size"]) for each in listed["files"]} == {
        (each.name, each.digest, each.size) for each in FOLDER
    }
    assert (made.files, made.size) == (5, sum(each.size or 0 for each in FOLDER))
    text = "".join(appliance.workshop.text(appliance.ownership.certificate(made)))
    assert "\\u202e\\u000aexe" in "".join(text.split())


def test_every_file_of_a_manifest_and_the_manifest_are_found(appliance: Appliance) -> None:
    files = (file_of("a", b"found once"), file_of("b", b"found twice"), file_of("c", b""))
    one = appliance.ownership.deposit(DepositOrder("一", files, work()), by=ZHANG.subject)
    two = appliance.ownership.deposit(DepositOrder("二", files[1:], work()), by=LI.subject)
    found = [[each.id for each in appliance.ownership.of_digest(file.digest)] for file in files[:2]]
    assert found == [[one.id], [one.id, two.id]]
    assert [each.id for each in appliance.ownership.of_digest(one.digest)] == [one.id]
    assert appliance.ownership.of_digest("' OR 1=1") == []


def test_ten_thousand_files_are_one_deposit(appliance: Appliance) -> None:
    files = tuple(file_of(f"dir {number % 100}/{number:05}.bin", b"%d" % number) for number in range(MOST_FILES))
    made = appliance.ownership.deposit(DepositOrder("许多文件", files, work()), by=ZHANG.subject)
    assert hashlib.sha256(appliance.ownership.manifest(made)).hexdigest() == made.digest
    assert appliance.ownership.of_digest(files[-1].digest) == [made]
    pages = appliance.workshop.inspect(appliance.ownership.certificate(made)).pages
    assert 8 < len(pages) < 16
    assert "300" in "".join(appliance.workshop.text(appliance.ownership.certificate(made)))


def test_versions_point_at_each_other_both_ways(appliance: Appliance) -> None:
    def version(content: bytes, predecessor: str | None) -> Deposit:
        return appliance.ownership.deposit(replace(order(content), predecessor=predecessor), by=ZHANG.subject)

    first = version(b"v1", None)
    second = version(b"v2", first.id)
    third = version(b"v2", second.id)  # the same file, of which something else is said
    for each in (first, second, third):
        assert [one.id for one in appliance.ownership.versions(each)] == [first.id, second.id, third.id]
    assert (third.predecessor, third.digest) == (second.id, second.digest)
    assert version(b"v2", first.id) == second
    with pytest.raises(PreconditionRefused, match="newer version"):
        version(b"v3", first.id)
    text = "".join(appliance.workshop.text(appliance.ownership.certificate(third)))
    assert second.id in text


@pytest.mark.parametrize("predecessor", ["0" * 24, "", "../../etc"])
def test_a_version_follows_nothing_that_is_not_there(appliance: Appliance, predecessor: str) -> None:
    with pytest.raises(PreconditionRefused, match="next version of"):
        appliance.ownership.deposit(replace(order(b"alone"), predecessor=predecessor), by=ZHANG.subject)


def test_a_version_follows_no_deposit_of_somebody_else(appliance: Appliance) -> None:
    theirs = appliance.ownership.deposit(order(b"theirs"), by=LI.subject)
    with pytest.raises(PreconditionRefused, match="of yours"):
        appliance.ownership.deposit(replace(order(b"mine now"), predecessor=theirs.id), by=ZHANG.subject)
    assert appliance.ownership.versions(theirs) == [theirs]


def test_of_two_versions_at_the_same_moment_one_is_recorded(appliance: Appliance) -> None:
    first = appliance.ownership.deposit(order(b"raced"), by=ZHANG.subject)
    other = appliance.ownership.deposit(replace(order(b"raced 2"), predecessor=first.id), by=ZHANG.subject)
    with appliance.database.transaction() as tx, pytest.raises(StateRefused, match="Another version"):
        ownership.insert_deposit(tx, replace(other, id="1" * 24, digest="1" * 64), [DepositedFile("", "1" * 64)])


def test_the_same_is_deposited_once_by_a_person_and_again_by_another(appliance: Appliance) -> None:
    first = appliance.ownership.deposit(order(b"shared"), by=ZHANG.subject)
    assert appliance.ownership.deposit(order(b"shared"), by=ZHANG.subject) == first
    second = appliance.ownership.deposit(order(b"shared"), by=LI.subject)
    assert [each.id for each in appliance.ownership.of_digest(first.digest)] == [first.id, second.id]


def test_what_is_said_otherwise_of_the_same_file_can_follow_as_a_version(
    appliance: Appliance,
) -> None:
    first = appliance.ownership.deposit(order(b"said twice"), by=ZHANG.subject)
    corrected = replace(order(b"said twice"), work=work(description="第二稿"))
    with pytest.raises(PreconditionRefused, match="exactly this on"):
        appliance.ownership.deposit(corrected, by=ZHANG.subject)
    second = appliance.ownership.deposit(replace(corrected, predecessor=first.id), by=ZHANG.subject)
    assert second.work is not None
    assert second.work.description == "第二稿"


def test_a_depositor_who_holds_the_rights_is_called_as_in_the_register(appliance: Appliance) -> None:
    own = work(holder=RightsHolder(HolderKind.DEPOSITOR, "whoever was typed"))
    made = appliance.ownership.deposit(DepositOrder("自己的", (file_of("a", b"my own"),), own), by=LI.subject)
    assert made.work is not None
    assert made.work.holder == RightsHolder(HolderKind.DEPOSITOR, LI.name)


def test_the_log_has_the_digests_in_public_and_what_is_said_as_commitments(appliance: Appliance) -> None:
    made = appliance.ownership.deposit(order(b"logged", "秘密的标题"), by=ZHANG.subject)
    with appliance.database.reading() as tx:
        leaf = json.loads(ledger.leaf(tx, made.entry))
        opening = json.loads(ledger.opening(tx, made.entry) or b"")
    assert leaf["kind"] == "ownership-deposited"
    assert leaf["public"].keys() == {
        *("actor", "deposit", "digest", "files", "serial", "declaration"),
    }
    assert leaf["public"]["declaration"] == load_declaration("1").digest
    assert opening["holder"]["value"] == "甲公司示例有限公司"
    assert opening["title"]["value"] == "秘密的标题"
    assert "秘密" not in json.dumps(leaf, ensure_ascii=False)


def test_the_declaration_has_both_languages_and_one_digest() -> None:
    declaration = load_declaration("1")
    assert canonical.decode(declaration.encode())["words"].keys() == {"zh", "en"}
    assert [len(declaration.words[each].split("\n")) for each in Language] == [6, 6]
    with pytest.raises(NotFound):
        load_declaration("../1")


def test_a_certificate_is_made_once_and_stands_in_the_log(appliance: Appliance) -> None:
    """With the name that the depositor had: later ones are not what was declared."""
    deposit = appliance.ownership.deposit(order(b"certified once"), by=ZHANG.subject)
    with appliance.database.transaction() as tx:
        tx.execute("UPDATE people SET name = '改名' WHERE subject = ?", (ZHANG.subject,))
    document = appliance.ownership.certificate(deposit)
    with appliance.database.transaction() as tx:
        tx.execute("UPDATE people SET name = ? WHERE subject = ?", (ZHANG.name, ZHANG.subject))
        leaf = json.loads(ledger.leaf(tx, ledger.length(tx) - 1))
    assert ZHANG.name in "".join(appliance.workshop.text(document))
    assert leaf["public"] == {
        "actor": ZHANG.subject,
        "deposit": deposit.id,
        "certificate": hashlib.sha256(document).hexdigest(),
    }
    assert appliance.ownership.certificate(deposit) == document


def test_of_certificates_made_at_the_same_moment_one_stands(appliance: Appliance) -> None:
    deposit = appliance.ownership.deposit(order(b"certified at once"), by=ZHANG.subject)
    with ThreadPoolExecutor(2) as pool:
        made = set(pool.map(appliance.ownership.certificate, [deposit] * 2))
    assert made == {appliance.ownership.certificate(deposit)}


def test_a_changed_certificate_does_not_pass(appliance: Appliance) -> None:
    deposit = appliance.ownership.deposit(order(b"another"), by=ZHANG.subject)
    document = bytearray(appliance.ownership.certificate(deposit))
    document[len(document) // 3] ^= 1
    assert appliance.verifier.verify_pdf(bytes(document)).indication is Indication.FAILED


def test_a_deposit_is_its_depositors_alone(appliance: Appliance) -> None:
    deposit = appliance.ownership.deposit(order(b"mine"), by=ZHANG.subject)
    assert appliance.ownership.get(deposit.id, by=ZHANG.subject) == deposit
    with pytest.raises(NotFound):
        appliance.ownership.get(deposit.id, by=LI.subject)
    with pytest.raises(NotFound):  # outside of a request of an API client
        appliance.ownership.of_client(deposit.id)


def test_a_list_goes_on_where_its_page_ended(appliance: Appliance) -> None:
    made = [appliance.ownership.deposit(order(b"page %d" % number), by=LI.subject) for number in range(3)]
    first = appliance.ownership.of_person(LI.subject, limit=2)
    rest = appliance.ownership.of_person(LI.subject, after=first[-1].id, limit=1)
    assert [each.id for each in (*first, *rest)] == [each.id for each in reversed(made)]


def test_a_deposit_of_before_stays_as_it_was(appliance: Appliance) -> None:
    """As the migration leaves it: nothing is known but what was asked for then."""
    one = appliance.ownership.deposit(order_of_digest("旧", "7" * 64, "旧.txt"), by=ZHANG.subject)
    old = replace(one, id="2" * 24, digest="8" * 64, work=None, entry=one.entry)
    with appliance.database.transaction() as tx:
        ownership.insert_deposit(tx, old, [DepositedFile("旧.txt", "8" * 64, 3)])
    found = appliance.ownership.get("2" * 24, by=ZHANG.subject)
    assert (found.work, found.title, found.files) == (None, "旧", 1)
    assert [each.id for each in appliance.ownership.of_digest("8" * 64)] == ["2" * 24]
    newer = replace(order_of_digest("旧", "8" * 64), predecessor=found.id)
    assert appliance.ownership.deposit(newer, by=ZHANG.subject).predecessor == found.id


def test_ways_of_making_and_days_are_kept(appliance: Appliance) -> None:
    details = replace(work(completed=date(1999, 12, 31)), creation=Creation.ADAPTED)
    made = appliance.ownership.deposit(DepositOrder("改编", (file_of("a", b"adapted"),), details), by=LI.subject)
    assert made.work == details


def test_another_name_of_the_same_file_is_not_dropped(appliance: Appliance) -> None:
    """It stands on the certificate; and a manifest that is deposited itself is not the deposit that has it."""
    content = b"a file with two names"
    made = appliance.ownership.deposit(order(content, "two names"), by=ZHANG.subject)
    assert appliance.ownership.deposit(order(content, "two names"), by=ZHANG.subject) == made
    other = replace(order(content, "two names"), files=(file_of("other.png", content),))
    with pytest.raises(PreconditionRefused, match="next version"):
        appliance.ownership.deposit(other, by=ZHANG.subject)
    both = DepositOrder("both", (file_of("one", b"1"), file_of("two", b"2")), work())
    whole = appliance.ownership.deposit(both, by=ZHANG.subject)
    manifest = file_of("manifest.json", appliance.ownership.manifest(whole))
    with pytest.raises(PreconditionRefused, match="next version"):
        appliance.ownership.deposit(replace(both, files=(manifest,)), by=ZHANG.subject)
