"""All who judge a contract, or its package, at the time of the site."""

from __future__ import annotations

import subprocess
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from appliance.evidence.exporting import Exporting
from appliance.model.contract import Contract
from appliance.pdf.byte_ranges import ByteRange, newest_contents
from appliance.timestamping.issuing import signer_of_token
from appliance.verification import Indication
from appliance.wiring import Appliance
from hsm import der
from tests.archive_renewal import judges
from tests.archive_renewal.decade import Decade
from tests.evidence.test_checkers import CHECKERS
from tests.evidence.unpacked import commands, run, unpack
from tests.world import OURS

ISSUING_CA_LASTS = 10.0


def step(what: str) -> str:
    name = 'common_name = "朱印示例签发CA 2"\n' if what == "issuing" else ""
    return f'[[renewals]]\nwhat = "{what}"\n{name}hands = ["lead"]\n'


def last_token(document: bytes, contract: Contract) -> bytes:
    return der.first(newest_contents(document, since=contract.revisions[-2].size))


def passes_all_checks(appliance: Appliance, contract: Contract, folder: Path) -> None:
    """A package of *contract*, made now and left in *folder*."""
    package = Exporting(appliance).export(contract.id, OURS).package
    report = appliance.verifier.verify(package)
    assert report.indication is Indication.PASSED, report.reasons
    unpack(package, folder)
    for checker in CHECKERS:
        told = subprocess.run(checker, cwd=folder, capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stdout + told.stderr
    assert not [each for each in commands(folder / "README.zh.txt") if run(each, folder).returncode]


def ask_the_others(
    site: Decade, appliance: Appliance, contract: Contract, document: bytes, *, years: float, folder: Path
) -> None:
    token = last_token(document, contract)
    stamper = signer_of_token(token).public_bytes(Encoding.DER)
    authority = appliance.authority
    told = judges.lta_by_pyhanko(
        document,
        site.later(seconds=5),
        root=authority.authorities()[-1],
        crl=authority.crl("root"),
        response=authority.ocsp(stamper),
    )
    # An intermediate CA that has run out is a general failure to pyHanko 0.38, for which it looks into no past.
    assert told == ({"OK"} if years < ISSUING_CA_LASTS else {"CERTIFICATE_CHAIN_GENERAL_FAILURE"}), years
    covers = ByteRange(*_numbers(document))
    trust = site.home.trust
    judges.token_by_openssl(token, covers.content(document), site.now(), trust=trust, folder=folder)


def _numbers(document: bytes) -> tuple[int, int, int]:
    start = document.rindex(b"/ByteRange")
    text = document[document.index(b"[", start) + 1 : document.index(b"]", start)]
    _, head, tail, length = (int(each) for each in text.split())
    return head, tail, tail + length
