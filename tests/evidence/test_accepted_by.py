"""Who accepts the agreement on electronic signing for an organisation is certified under it, or signs alone."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.evidence import checker
from appliance.evidence.package import build
from appliance.language import Language, translator
from appliance.ledger.entry import LedgerEntry
from appliance.verification import Indication
from hsm import canonical, cms
from hsm.names import SubjectName
from hsm.records import carries
from tests.evidence import contract
from tests.evidence.authority import START, TestAuthority, new_key
from tests.evidence.real_contract import SignedPdf
from tests.evidence.test_checkers import CHECKERS, check
from tests.evidence.test_forged_packages import Readers, readers
from tests.evidence.unpacked import ENVIRONMENT, unpack
from tests.holder import Holder

__all__ = ["readers"]
pytestmark = pytest.mark.usefixtures("pages_of_the_true_log")


def by_another_company(authority: TestAuthority, pdf: SignedPdf, form: str) -> bytes:
    """The acceptance for the second company is by the first one's representative; on it rest the signatures of the
    second one's own people."""

    def accepting(person: str) -> dict[str, Any]:
        record = contract.acceptance(person)
        other = {"person": "person-zhang", "name": contract.NAMES["person-zhang"], "format": form}
        return record | other if person == "person-li" else record

    return build(contract.make(authority, pdf, accepting=accepting), contract.seals(authority))


def test_who_is_of_another_company_does_not_accept_for_it(
    readers: Readers, authority: TestAuthority, pdf: SignedPdf
) -> None:
    readers.refuse(by_another_company(authority, pdf, "vermilion-agreement/4"), readme=False)


def test_of_earlier_acceptances_every_judge_says_whose_they_are(
    readers: Readers, authority: TestAuthority, pdf: SignedPdf, tmp_path: Path
) -> None:
    package = by_another_company(authority, pdf, "vermilion-agreement/3")
    report = readers.verifier.verify(package)
    assert report.indication is Indication.PASSED, report.reasons
    [remark] = [each for each in report.remarks if "accepted for" in str(each)]
    chinese = remark.translated(translator(Language.CHINESE))
    assert "代乙公司示例有限公司接受" in chinese
    for words in (str(remark), chinese):
        assert all(each in words for each in (contract.ALPHA, contract.BETA, "张示例", "person-li, seal-b"))
    for command in CHECKERS:
        status, said = check(command, unpack(package, tmp_path / command[0].replace("/", "-")))
        assert status == 0, said
        assert said.count("accepted 接受者证书所载并非该单位:") == 2
        assert re.search(rf"{contract.BETA}: 张示例.* \({contract.ALPHA}\)\n", said), said


@dataclass(frozen=True, slots=True)
class Folder:
    """What the checkers read of an acceptance, without a package around it."""

    path: Path

    def write(self, path: str, content: bytes) -> None:
        (self.path / path).parent.mkdir(parents=True, exist_ok=True)
        (self.path / path).write_bytes(content)

    def python(self) -> dict[str, Any]:
        return run_path(str(self.path / "check.py"))

    def shell(self, command: str) -> subprocess.CompletedProcess[bytes]:
        script = (self.path / "check.sh").read_text().partition("\ncarried=''")[0]
        command = f"{script}\n{command}"
        return subprocess.run(
            ["sh", "-c", command, "check.sh", "ca.pem"],
            cwd=self.path,
            env=ENVIRONMENT,
            capture_output=True,
            check=False,
        )


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    for name in ("check.py", "check.sh"):
        made.write(name, (Path(str(checker.__file__)).parent / name).read_bytes())
    return made


def certified(authority: TestAuthority, organisation: str) -> Holder:
    """A person of *organisation*, with the name in full where the subject has no room for it."""
    key, name = new_key(), SubjectName(organisation, "孙示例" * 30, "person-sun")
    builder = (
        x509.CertificateBuilder().subject_name(name.to_x509()).issuer_name(authority.issuing.certificate.subject)
    )
    builder = builder.public_key(key.public_key()).serial_number(7)
    builder = builder.not_valid_before(START).not_valid_after(START + timedelta(days=30))
    if extension := name.extension():
        builder = builder.add_extension(extension, critical=False)
    return Holder(key, builder.sign(authority.issuing.key, hashes.SHA256()), ())


LONG = "长名" * 50
NAMES = [
    ("甲公司示例有限公司", "甲公司示例有限公司", True),
    ("甲公司示例有限公司", "乙公司示例有限公司", False),
    ('Alpha "A\\B" Ltd', 'Alpha "A\\B" Ltd', True),
    ("Alpha Ltd", "Alpha ltd", False),
    (LONG, LONG, True),
    (LONG, LONG + "甲", False),
    (LONG + "甲", LONG, False),
    ("", "甲公司示例有限公司", False),
    ("X" * 65, "X" * 65, True),
    ("X" * 65, "X" * 64, False),
]


@pytest.mark.parametrize(("organisation", "party", "same"), NAMES)
def test_all_judges_read_the_same_name_in_a_certificate(
    authority: TestAuthority, folder: Folder, organisation: str, party: str, same: bool
) -> None:
    """Names are compared as those of the sides are: another spelling is another organisation."""
    holder = certified(authority, organisation)
    record = {"format": "vermilion-agreement/4", "name": "孙示例", "person": "person-sun"}
    record |= {"party": {"kind": "organisation", "name": party}}  # type: ignore[dict-item]  # a record has records
    message = cms.MessageMaker(holder, cms.DATA).make_message(bytes(32), attributes=[])
    assert carries(record, message, "person-li") is same
    assert carries(record, b"", "person-sun")
    folder.write("agreement/01.json", canonical.encode(record))
    folder.write("certificates/agreement-01.pem", holder.certificate.public_bytes(Encoding.PEM))
    for number, signer in (("00000001", "person-li"), ("00000002", "person-sun")):
        folder.write(f"log/entries/{number}.json", canonical.encode({"public": {"signer": signer}}))
        carried = same or signer == "person-sun"
        done = folder.shell(f"check_carried 01 {number}")
        assert (done.returncode == 0) is carried, done
        judge = folder.python()
        try:
            judge["check_carried"](judge["OpenSSL"](Path("ca.pem"), folder.path), "01", number)
        except judge["Failed"]:
            assert not carried
        else:
            assert carried


@pytest.mark.parametrize(
    ("organisation", "side"),
    [
        ("  ", "person-li"),
        ("　", "person-li"),
        ("", "person-li"),
        (" 甲　", "甲"),
        ("甲 乙", "甲 乙"),
    ],
)
def test_blanks_name_no_organisation(folder: Folder, organisation: str, side: str) -> None:
    opening = {"organisation": {"salt": "00", "value": organisation}}
    folder.write("log/openings/00000001.json", canonical.encode(opening))
    folder.write("log/entries/00000001.json", canonical.encode({"public": {"signer": "person-li"}}))
    assert str(folder.python()["side_of"]("00000001")).removeprefix("organisation:") == side
    assert f'"{side}"}}' in folder.shell("side 00000001").stdout.decode()


def test_the_log_s_entry_is_of_an_acceptance(
    readers: Readers, authority: TestAuthority, pdf: SignedPdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry of another kind may have the same digest."""
    true: Callable[..., LedgerEntry] = contract._accepted
    monkeypatch.setattr(contract, "_accepted", lambda *given: replace(true(*given), kind="agreement-proposed"))
    accepted = ["agreement 01 00000001", "agreement 02 00000002", "agreed 00000013 01 00000001"]
    resting = [f"agreed {entry} 02 00000002" for entry in ("00000018", "00000023")]
    monkeypatch.setattr("appliance.evidence.agreements.lines", lambda *_given: accepted + resting)
    readers.refuse(build(contract.make(authority, pdf), contract.seals(authority)), readme=False)
